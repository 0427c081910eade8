"""Tests of deploy.py, as far as it needs no engine."""

from __future__ import annotations

import argparse
import unittest

import deploy

TEMPLATE = {"Parameters": {"WebOrigin": {"Default": ""}, "Rate": {"Default": "1"}, "Needed": {}}}


class Parameters(unittest.TestCase):
    """Which parameters the stack is created with."""

    def test_passes_what_the_template_declares(self) -> None:
        known = {"WebOrigin": "http://here", "ProviderBaseUrl": "http://there"}
        values = deploy.parameters(TEMPLATE, known, {"Needed": "1"})
        self.assertEqual(values, {"WebOrigin": "http://here", "Needed": "1"})

    def test_what_was_asked_for_wins(self) -> None:
        values = deploy.parameters(TEMPLATE, {"WebOrigin": "a"}, {"WebOrigin": "b", "Needed": "1"})
        self.assertEqual(values["WebOrigin"], "b")

    def test_refuses_what_the_template_does_not_declare(self) -> None:
        with self.assertRaisesRegex(deploy.DeployError, "no parameter Typo; it has Needed, Rate, WebOrigin"):
            deploy.parameters(TEMPLATE, {}, {"Typo": "1", "Needed": "1"})

    def test_names_what_is_missing(self) -> None:
        with self.assertRaisesRegex(deploy.DeployError, "Needed has no default"):
            deploy.parameters(TEMPLATE, {}, {})

    def test_splits_at_the_first_equals_sign(self) -> None:
        self.assertEqual(deploy.name_and_value("A=b=c"), ("A", "b=c"))
        with self.assertRaises(argparse.ArgumentTypeError):
            deploy.name_and_value("A")


if __name__ == "__main__":
    unittest.main()
