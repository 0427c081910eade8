"""Makes a template deployable to the local engine: zips binaries, points the template at them.

Does what `sam build` and `sam package` do, for Rust functions that cargo built
on this machine. Knows the template's shape and the file system; the uploading
is deploy.py's.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

FUNCTION = "AWS::Serverless::Function"
STATE_MACHINE = "AWS::Serverless::StateMachine"
#: A Unix file, executable by everyone.
_BOOTSTRAP_MODE = 0o100755 << 16
#: A zip must not change when its binary does not.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class BundleError(Exception):
    """The template or a file that it names is not as it should be."""


@dataclass(frozen=True)
class Asset:
    """A file that the engine reads from the code bucket."""

    path: Path
    key: str


def parse(path: Path) -> dict[str, Any]:
    """Reads a template, short forms of the intrinsic functions included."""
    template = yaml_parse(path.read_text(encoding="utf-8"))
    if not isinstance(template, dict) or "Resources" not in template:
        raise BundleError(f"{path} is not a template: it has no Resources")
    return cast("dict[str, Any]", template)


def _of_type(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: item for name, item in template["Resources"].items() if item.get("Type") == kind}


def binaries(template: Mapping[str, Any]) -> dict[str, str]:
    """Function -> the binary it runs, as `Metadata.BuildProperties.Binary` says."""
    found = {}
    for name, function in _of_type(template, FUNCTION).items():
        binary = function.get("Metadata", {}).get("BuildProperties", {}).get("Binary")
        if not binary:
            raise BundleError(f"{name} does not say which binary it runs (Metadata.BuildProperties.Binary)")
        found[name] = str(binary)
    return found


def definitions(template: Mapping[str, Any]) -> dict[str, str]:
    """State machine -> its definition file, relative to the template; those with an inline one are left out."""
    machines = _of_type(template, STATE_MACHINE)
    uris = {name: machine.get("Properties", {}).get("DefinitionUri") for name, machine in machines.items()}
    return {name: uri for name, uri in uris.items() if isinstance(uri, str)}


def rewritten(template: Mapping[str, Any], bucket: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """The template with code and definitions read from `bucket`; `keys` is resource -> object key."""
    result = copy.deepcopy(dict(template))
    properties = {FUNCTION: "CodeUri", STATE_MACHINE: "DefinitionUri"}
    for name, key in keys.items():
        resource = result["Resources"][name]
        resource["Properties"][properties[resource["Type"]]] = {"Bucket": bucket, "Key": key}
        resource.pop("Metadata", None)
    globals_of_functions = result.get("Globals", {}).get("Function", {})
    globals_of_functions.pop("CodeUri", None)
    return result


def function_assets(template: Mapping[str, Any], binary_dir: Path, work_dir: Path) -> dict[str, Asset]:
    """Function -> its zip; made anew only for binaries that changed."""
    work_dir.mkdir(parents=True, exist_ok=True)
    strip = shutil.which("strip")
    zips = {binary: zipped(binary_dir / binary, work_dir, strip) for binary in sorted(set(binaries(template).values()))}
    return {name: Asset(zips[binary], f"functions/{zips[binary].name}") for name, binary in binaries(template).items()}


def definition_assets(template: Mapping[str, Any], template_dir: Path) -> dict[str, Asset]:
    """State machine -> its definition file."""
    assets = {}
    for name, uri in definitions(template).items():
        path = template_dir / uri
        if not path.is_file():
            raise BundleError(f"{name}: there is no {path}")
        assets[name] = Asset(path, f"definitions/{path.name}")
    return assets


def zipped(binary: Path, work_dir: Path, strip: str | None) -> Path:
    """The zip that holds `binary` as `bootstrap`. Its name holds the binary's size and time, so it can be reused."""
    if not binary.is_file():
        raise BundleError(f"there is no {binary}: the template names a binary that cargo did not build")
    state = binary.stat()
    target = work_dir / f"{binary.name}-{state.st_size}-{state.st_mtime_ns}.zip"
    if target.is_file():
        return target
    for old in work_dir.glob(f"{binary.name}-[0-9]*-[0-9]*.zip"):
        old.unlink()
    stripped = work_dir / f"{binary.name}.stripped"
    _copy_stripped(binary, stripped, strip)
    unfinished = target.with_suffix(".part")
    entry = zipfile.ZipInfo("bootstrap", _ZIP_TIME)
    entry.external_attr = _BOOTSTRAP_MODE
    # Stored, not deflated: compressing costs more than the engine, on the same disk, ever gets back.
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, stripped.read_bytes())
    stripped.unlink()
    unfinished.rename(target)
    return target


def _copy_stripped(binary: Path, target: Path, strip: str | None) -> None:
    """A development binary is mostly debug information, which nothing here reads."""
    if strip is not None:
        done = subprocess.run([strip, "-o", str(target), str(binary)], capture_output=True, check=False)
        if done.returncode == 0:
            return
    shutil.copyfile(binary, target)
