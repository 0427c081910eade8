"""Tests of launch.py, as far as it needs no engine."""

from __future__ import annotations

import io
import unittest
from pathlib import Path

import launch


class FunctionLogs(unittest.TestCase):
    """Where and how a function's lines are kept."""

    def test_a_log_is_named_as_the_template_names_the_function(self) -> None:
        path = launch.log_file(Path("/logs"), "batch-image-edit-FanOutFunction-AA955FB9D5F10", "batch-image-edit-")
        self.assertEqual(path, Path("/logs/FanOutFunction.log"))

    def test_an_explicit_name_is_kept(self) -> None:
        self.assertEqual(launch.log_file(Path("/logs"), "fan-out", "batch-image-edit-"), Path("/logs/fan-out.log"))

    def test_lines_reach_both(self) -> None:
        log = io.BytesIO()
        tee = launch.TeeLines(io.BytesIO(b"one\ntwo\n"), log)
        self.assertEqual([tee.readline(), tee.readline(), tee.readline()], [b"one\n", b"two\n", b""])
        self.assertEqual(log.getvalue(), b"one\ntwo\n")


class LogSettings(unittest.TestCase):
    """What a runtime learns of a function's LoggingConfig."""

    def test_json_is_passed_on(self) -> None:
        settings = launch.log_settings({"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}})
        self.assertEqual(settings, {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"})

    def test_text_is_the_default(self) -> None:
        self.assertEqual(launch.log_settings({"LoggingConfig": {"LogFormat": "Text"}}), {})
        self.assertEqual(launch.log_settings({}), {})


if __name__ == "__main__":
    unittest.main()
