"""Lets the engine enforce the roles of the template as AWS would.

With AUTH=true MiniStack gives each function a session of its role and checks
its policies, so a permission that is missing fails here and not in production.
Where it decides otherwise than AWS, or asks for what a laptop does not have,
this module puts it right. Knows MiniStack's internals, no policy of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def enforce() -> None:
    """Applies everything below."""
    authorize_batches_as_their_action()
    name_secrets_by_arn()
    take_loopback_for_tls()
    trust_the_unsigned()


def authorize_batches_as_their_action() -> None:
    """Authorizes `SendMessageBatch` as `sqs:SendMessage`: in AWS there is no action for the batch."""
    from ministack.core import iam_actions  # type: ignore[import-untyped]

    extract: Callable[..., str | None] = iam_actions.extract_iam_action

    def extract_single(*request: Any, **rest: Any) -> str | None:
        action = extract(*request, **rest)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_single


def name_secrets_by_arn() -> None:
    """Makes `!Ref` of a secret its ARN, as in AWS: a policy on the secret has to match it."""
    from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create: Callable[..., tuple[str, dict[str, str]]] = handlers["create"]

    def create_with_arn(*resource: Any, **rest: Any) -> tuple[str, dict[str, str]]:
        _, attributes = create(*resource, **rest)
        return attributes["Arn"], attributes

    handlers["create"] = create_with_arn


def take_loopback_for_tls() -> None:
    """Meets policies that ask for TLS: what stays on this machine needs none."""
    from ministack.core import iam_evaluator

    resolve: Callable[[str, Any], Any] = iam_evaluator._resolve_condition_key

    def resolve_as_tls(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_as_tls


def trust_the_unsigned() -> None:
    """Takes who does not sign for the operator, since only this machine reaches the engine. Functions always sign."""
    from ministack.core import iam_evaluator

    decide: Callable[..., Any] = iam_evaluator.enforce

    def decide_for_the_signed(*request: Any, **rest: Any) -> Any:
        return None if iam_evaluator._anonymous.get() else decide(*request, **rest)

    iam_evaluator.enforce = decide_for_the_signed
