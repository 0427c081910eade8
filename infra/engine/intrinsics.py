"""Resolves CloudFormation's intrinsic functions against a stack that exists.

Knows Ref, Fn::Sub, Fn::GetAtt of an ARN, Fn::Join, Fn::If and the condition
functions: what SAM writes into an HTTP API's body. Knows no service and makes
no call; everything it needs is in `Scope`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class Unresolvable(Exception):
    """An expression that this module cannot give a value."""


@dataclass(frozen=True)
class Scope:
    """What the names in a template stand for."""

    #: Logical id -> physical id, of the resources that were made.
    physical_ids: Mapping[str, str]
    #: Logical id -> resource type.
    types: Mapping[str, str]
    #: Parameter -> value, defaults included.
    parameters: Mapping[str, str]
    #: The template's `Conditions`.
    conditions: Mapping[str, Any] = field(default_factory=dict)
    account: str = "000000000000"
    region: str = "us-east-1"
    stack_name: str = "stack"

    def ref(self, name: str) -> str:
        """The value of `Ref`."""
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        for names in (pseudo, self.parameters, self.physical_ids):
            if name in names:
                return names[name]
        raise Unresolvable(f"nothing is called {name}")

    def arn(self, logical_id: str) -> str:
        """The ARN of a Lambda function or alias, the only ones that an API's body needs."""
        physical = self.ref(logical_id)
        if physical.startswith("arn:"):
            return physical
        if self.types.get(logical_id) == "AWS::Lambda::Function":
            return f"arn:aws:lambda:{self.region}:{self.account}:function:{physical}"
        raise Unresolvable(f"the ARN of {logical_id} ({self.types.get(logical_id)})")


def resolve(node: Any, scope: Scope) -> Any:
    """A copy of `node` in which every intrinsic function is replaced by its value."""
    if isinstance(node, list):
        return [resolve(item, scope) for item in node if not _vanishes(item, scope)]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        name, argument = next(iter(node.items()))
        if name == "Ref":
            return scope.ref(argument)
        if name == "Fn::If":
            return resolve(_chosen(argument, scope), scope)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, scope)
        if name.startswith("Fn::"):
            raise Unresolvable(f"the function {name}")
    return {key: resolve(value, scope) for key, value in node.items() if not _vanishes(value, scope)}


def condition(name: str, scope: Scope) -> bool:
    """Whether a condition of the template holds."""
    if name not in scope.conditions:
        raise Unresolvable(f"there is no condition {name}")
    return _holds(scope.conditions[name], scope)


def _chosen(argument: Any, scope: Scope) -> Any:
    name, if_true, if_false = argument
    return if_true if condition(name, scope) else if_false


def _vanishes(node: Any, scope: Scope) -> bool:
    """Whether CloudFormation would leave out the key or the item that holds `node`."""
    while isinstance(node, dict) and set(node) == {"Fn::If"}:
        node = _chosen(node["Fn::If"], scope)
    return bool(node == NO_VALUE)


def _holds(node: Any, scope: Scope) -> bool:
    if not isinstance(node, dict) or len(node) != 1:
        raise Unresolvable(f"the condition {node!r}")
    name, argument = next(iter(node.items()))
    if name == "Condition":
        return condition(argument, scope)
    if name == "Fn::Not":
        return not _holds(argument[0], scope)
    if name == "Fn::And":
        return all(_holds(item, scope) for item in argument)
    if name == "Fn::Or":
        return any(_holds(item, scope) for item in argument)
    if name == "Fn::Equals":
        left, right = resolve(argument, scope)
        return str(left) == str(right)
    raise Unresolvable(f"the condition function {name}")


def _get_att(argument: Any, scope: Scope) -> str:
    logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    if attribute != "Arn":
        raise Unresolvable(f"the attribute {logical_id}.{attribute}")
    return scope.arn(logical_id)


def _sub(argument: Any, scope: Scope) -> str:
    text, local = (argument, {}) if isinstance(argument, str) else argument

    def value(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        if name in local:
            return str(resolve(local[name], scope))
        return _get_att(name, scope) if "." in name else scope.ref(name)

    return _PLACEHOLDER.sub(value, text)


def _join(argument: Any, scope: Scope) -> str:
    separator, items = argument
    return str(separator).join(str(item) for item in resolve(items, scope))


_FUNCTIONS = {"Fn::GetAtt": _get_att, "Fn::Join": _join, "Fn::Sub": _sub}
