"""Starts MiniStack, the local engine, with what it lacks for this project.

Knows MiniStack's internals that have to be bent; the version is pinned in
requirements.txt, so they cannot move underneath. Does not know the project's
template (deploy.py does) nor ports and folders (`cargo xtask up` chooses them
and hands them over in the environment).
"""

from __future__ import annotations

import os
import re
import socketserver
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import permissions


def disable_nagle() -> None:
    """Saves 40 ms a call: the Lambda Runtime API server writes head and body apart."""
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


class TeeLines:
    """A function's output, which is also appended to a log file as it passes."""

    def __init__(self, stream: BinaryIO, log: BinaryIO) -> None:
        self._stream = stream
        self._log = log

    def readline(self) -> bytes:
        """The next line; what is read is in the file before the engine sees it."""
        line = self._stream.readline()
        if line:
            self._log.write(line)
        return line

    def close(self) -> None:
        """Closes both."""
        self._log.close()
        self._stream.close()


def log_file(folder: Path, function: str, prefix: str) -> Path:
    """Where a function's lines go: its name without the stack's name and CloudFormation's random end."""
    return folder / f"{re.sub(r'-[0-9A-Z]{12,13}$', '', function.removeprefix(prefix))}.log"


def keep_function_logs(folder: Path, prefix: str) -> None:
    """Writes each function's lines to a file, since the engine keeps them in memory only."""
    from ministack.core.lambda_runtime import ProvidedWorker  # type: ignore[import-untyped]

    pump: Callable[..., None] = ProvidedWorker._pump_output

    def teeing_pump(self: Any, stream: BinaryIO, log_queue: Any) -> None:
        log = log_file(folder, self.func_name, prefix).open("ab", buffering=0)
        pump(self, TeeLines(stream, log), log_queue)

    folder.mkdir(parents=True, exist_ok=True)
    ProvidedWorker._pump_output = teeing_pump


def log_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """The variables by which Lambda tells a runtime what the function's LoggingConfig says."""
    logging = config.get("LoggingConfig") or {}
    if logging.get("LogFormat") != "JSON":
        return {}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel", "INFO")}


def pass_log_settings() -> None:
    """Lets functions log as they do in AWS; the engine keeps LoggingConfig to itself."""
    from ministack.services import lambda_svc  # type: ignore[import-untyped]

    environment: Callable[..., dict[str, str]] = lambda_svc._provided_worker_env

    def with_log_settings(config: Mapping[str, Any], *rest: Any) -> dict[str, str]:
        return {**environment(config, *rest), **log_settings(config)}

    lambda_svc._provided_worker_env = with_log_settings


def main() -> None:
    """Applies the patches and hands over to MiniStack's own main."""
    disable_nagle()
    pass_log_settings()
    permissions.enforce()
    folder, prefix = os.environ.pop("FUNCTION_LOGS", None), os.environ.pop("FUNCTION_PREFIX", "")
    if folder is not None:
        keep_function_logs(Path(folder), prefix)
    from ministack.app import main as ministack  # type: ignore[import-untyped]

    sys.argv = sys.argv[:1]
    ministack()


if __name__ == "__main__":
    main()
