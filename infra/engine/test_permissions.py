"""Tests of permissions.py, with MiniStack but without a running engine: they fail when its internals have moved."""

from __future__ import annotations

import unittest
from types import SimpleNamespace
from unittest import mock

import permissions


class Permissions(unittest.TestCase):
    """Each change, undone after its test."""

    def test_batches_are_authorized_as_their_action(self) -> None:
        from ministack.core import iam_actions  # type: ignore[import-untyped]

        def action(target: str, service: str) -> str | None:
            headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
            found: str | None = iam_actions.extract_iam_action(service, "POST", "/", headers, b"{}", {})
            return found

        with mock.patch.object(iam_actions, "extract_iam_action", iam_actions.extract_iam_action):
            permissions.authorize_batches_as_their_action()
            self.assertEqual(action("AmazonSQS.SendMessageBatch", "sqs"), "sqs:SendMessage")
            self.assertEqual(action("AmazonSQS.DeleteMessage", "sqs"), "sqs:DeleteMessage")
            self.assertEqual(action("DynamoDB_20120810.PutItem", "dynamodb"), "dynamodb:PutItem")

    def test_a_secret_is_named_by_its_arn(self) -> None:
        from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

        handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
        with mock.patch.dict(handlers):
            permissions.name_secrets_by_arn()
            physical_id, _ = handlers["create"]("Key", {"SecretString": "x"}, "stack")
        self.assertTrue(physical_id.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:stack-Key-"))

    def test_policies_that_ask_for_tls_are_met(self) -> None:
        from ministack.core import iam_evaluator

        context = SimpleNamespace(secure_transport=False, region="us-east-1")
        with mock.patch.object(iam_evaluator, "_resolve_condition_key", iam_evaluator._resolve_condition_key):
            permissions.take_loopback_for_tls()
            self.assertEqual(iam_evaluator._resolve_condition_key("aws:SecureTransport", context), "true")
            self.assertEqual(iam_evaluator._resolve_condition_key("aws:RequestedRegion", context), "us-east-1")

    def test_only_the_unsigned_are_trusted(self) -> None:
        from ministack.core import iam_evaluator

        with mock.patch.object(iam_evaluator, "enforce", lambda *_: "decided"):
            permissions.trust_the_unsigned()
            self.assertEqual(iam_evaluator.enforce("key", "s3:GetObject", "s3", "us-east-1"), "decided")
            unsigned = iam_evaluator._anonymous.set(True)
            self.addCleanup(iam_evaluator._anonymous.reset, unsigned)
            self.assertIsNone(iam_evaluator.enforce("", "s3:GetObject", "s3", "us-east-1"))


if __name__ == "__main__":
    unittest.main()
