"""Tests of bundle.py."""

from __future__ import annotations

import os
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any

import bundle

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {CodeUri: ., Runtime: provided.al2023}
Resources:
  SubmitFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: submit}}
    Properties:
      CodeUri: functions/submit
      Environment: {Variables: {TABLE: !Ref Table, ARN: !GetAtt Table.Arn, TEXT: !Sub "a-${Table}"}}
  Workflow:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: infra/edit.asl.json, DefinitionSubstitutions: {Arn: !GetAtt SubmitFunction.Arn}}
  Inline:
    Type: AWS::Serverless::StateMachine
    Properties: {Definition: {StartAt: A}}
  Table: {Type: AWS::DynamoDB::Table}
"""


def write(path: Path, content: str | bytes) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class InAFolder(unittest.TestCase):
    """Gives each test an empty folder and the template."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.template: dict[str, Any] = bundle.parse(write(self.folder / "template.yaml", TEMPLATE))


class Rewriting(InAFolder):
    """What happens to the template."""

    def test_reads_the_short_forms(self) -> None:
        variables = self.template["Resources"]["SubmitFunction"]["Properties"]["Environment"]["Variables"]
        expected = {
            "TABLE": {"Ref": "Table"},
            "ARN": {"Fn::GetAtt": ["Table", "Arn"]},
            "TEXT": {"Fn::Sub": "a-${Table}"},
        }
        self.assertEqual(variables, expected)

    def test_points_code_and_definition_at_the_bucket(self) -> None:
        result = bundle.rewritten(self.template, "code", {"SubmitFunction": "f.zip", "Workflow": "w.json"})
        function, workflow = result["Resources"]["SubmitFunction"], result["Resources"]["Workflow"]["Properties"]
        self.assertEqual(function["Properties"]["CodeUri"], {"Bucket": "code", "Key": "f.zip"})
        self.assertEqual(workflow["DefinitionUri"], {"Bucket": "code", "Key": "w.json"})
        self.assertIn("DefinitionSubstitutions", workflow)
        self.assertNotIn("CodeUri", result["Globals"]["Function"])

    def test_leaves_everything_else_and_its_input_alone(self) -> None:
        before = bundle.parse(self.folder / "template.yaml")
        result = bundle.rewritten(self.template, "code", {"SubmitFunction": "f.zip"})
        self.assertEqual(self.template, before)
        self.assertEqual(result["Resources"]["Table"], before["Resources"]["Table"])
        environment = ["Resources", "SubmitFunction", "Properties", "Environment"]
        left, right = result, before
        for key in environment:
            left, right = left[key], right[key]
        self.assertEqual(left, right)

    def test_a_function_without_a_binary_is_named(self) -> None:
        del self.template["Resources"]["SubmitFunction"]["Metadata"]
        with self.assertRaisesRegex(bundle.BundleError, "SubmitFunction"):
            bundle.binaries(self.template)

    def test_inline_definitions_need_no_file(self) -> None:
        self.assertEqual(bundle.definitions(self.template), {"Workflow": "infra/edit.asl.json"})

    def test_a_missing_definition_is_named(self) -> None:
        with self.assertRaisesRegex(bundle.BundleError, "Workflow.*edit.asl.json"):
            bundle.definition_assets(self.template, self.folder)


class Zipping(InAFolder):
    """What happens to the binaries."""

    def setUp(self) -> None:
        super().setUp()
        self.binary = write(self.folder / "debug" / "submit", b"not really a binary")
        self.work = self.folder / "work"

    def test_the_binary_is_an_executable_bootstrap(self) -> None:
        asset = bundle.function_assets(self.template, self.folder / "debug", self.work)["SubmitFunction"]
        with zipfile.ZipFile(asset.path) as archive:
            entry = archive.getinfo("bootstrap")
            self.assertEqual(entry.external_attr >> 16 & 0o777, 0o755)
            self.assertEqual(archive.read(entry), b"not really a binary")

    def test_an_unchanged_binary_is_not_zipped_again(self) -> None:
        self.work.mkdir()
        first = bundle.zipped(self.binary, self.work, None)
        made = first.stat().st_mtime_ns
        self.assertEqual(bundle.zipped(self.binary, self.work, None).stat().st_mtime_ns, made)

    def test_a_changed_binary_replaces_its_zip(self) -> None:
        self.work.mkdir()
        first = bundle.zipped(self.binary, self.work, None)
        self.binary.write_bytes(b"another")
        os.utime(self.binary, ns=(1, 1))
        second = bundle.zipped(self.binary, self.work, None)
        self.assertNotEqual(first, second)
        self.assertEqual(list(self.work.iterdir()), [second])

    def test_a_binary_with_a_longer_name_keeps_its_zip(self) -> None:
        self.work.mkdir()
        longer = bundle.zipped(write(self.folder / "debug" / "submit-batch", b"x"), self.work, None)
        bundle.zipped(self.binary, self.work, None)
        self.assertTrue(longer.is_file())

    def test_a_binary_that_was_not_built_is_named(self) -> None:
        self.binary.unlink()
        with self.assertRaisesRegex(bundle.BundleError, "submit"):
            bundle.function_assets(self.template, self.folder / "debug", self.work)


if __name__ == "__main__":
    unittest.main()
