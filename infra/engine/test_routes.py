"""Tests of routes.py and intrinsics.py, with a body as SAM writes it."""

from __future__ import annotations

import unittest
from typing import Any

import routes
from intrinsics import Scope, Unresolvable, condition, resolve

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"

SCOPE = Scope(
    physical_ids={"UserPool": "us-east-1_x", "UserPoolClient": "client", "SubmitFunction": "submit-1", "Table": "t"},
    types={"SubmitFunction": "AWS::Lambda::Function", "Table": "AWS::DynamoDB::Table"},
    parameters={"Stage": "home", "Empty": ""},
    conditions={
        "AtHome": {"Fn::Equals": [{"Ref": "Stage"}, "home"]},
        "HasEmpty": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Empty"}, ""]}]},
        "Both": {"Fn::And": [{"Condition": "AtHome"}, {"Condition": "HasEmpty"}]},
        "Either": {"Fn::Or": [{"Condition": "AtHome"}, {"Condition": "HasEmpty"}]},
    },
)


def operation(**more: Any) -> dict[str, Any]:
    """One method of one path."""
    function = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${SubmitFunction.Arn}"
    uri = f"{function}/invocations"
    integration = {"httpMethod": "POST", "payloadFormatVersion": "2.0", "type": "aws_proxy", "uri": {"Fn::Sub": uri}}
    return {"responses": {}, "x-amazon-apigateway-integration": integration, **more}


def body() -> dict[str, Any]:
    """An API's body, unresolved."""
    secured = operation(security=[{"Users": ["edit"]}])
    return {
        "openapi": "3.0.1",
        "info": {"title": {"Ref": "AWS::StackName"}, "version": "1.0"},
        "paths": {
            "/api/images/generate": {"post": secured},
            "/api/polar/webhooks": {"post": operation(security=[{"NONE": []}])},
            "/api/any": {"x-amazon-apigateway-any-method": operation()},
            "/api/optional": {"Fn::If": ["HasEmpty", {"get": secured}, {"Ref": "AWS::NoValue"}]},
        },
        "components": {
            "securitySchemes": {
                "Users": {
                    "type": "oauth2",
                    "x-amazon-apigateway-authorizer": {
                        "type": "jwt",
                        "identitySource": "$request.header.Authorization",
                        "jwtConfiguration": {
                            "audience": [{"Ref": "UserPoolClient"}],
                            "issuer": {"Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}"},
                        },
                    },
                }
            }
        },
    }


class FakeApi:
    """An API Gateway that remembers what it was asked, and may forget a route."""

    def __init__(self, forgets: str | None = None) -> None:
        self.authorizers: list[dict[str, Any]] = []
        self.integrations: list[dict[str, Any]] = []
        self.routes: list[dict[str, Any]] = []
        self._forgets = forgets

    def create_authorizer(self, **request: Any) -> dict[str, str]:
        self.authorizers.append(request)
        return {"AuthorizerId": f"a{len(self.authorizers)}"}

    def create_integration(self, **request: Any) -> dict[str, str]:
        self.integrations.append(request)
        return {"IntegrationId": f"i{len(self.integrations)}"}

    def create_route(self, **request: Any) -> None:
        if request["RouteKey"] != self._forgets:
            self.routes.append(request)

    def get_routes(self, **_: Any) -> dict[str, Any]:
        return {"Items": self.routes}


class Reading(unittest.TestCase):
    """What a body says."""

    def test_finds_every_route(self) -> None:
        found = routes.routes(resolve(body(), SCOPE))
        self.assertEqual(
            [(route.key, route.authorizer, route.scopes) for route in found],
            [
                ("POST /api/images/generate", "Users", ("edit",)),
                ("POST /api/polar/webhooks", None, ()),
                ("ANY /api/any", None, ()),
            ],
        )
        self.assertEqual({route.function_arn for route in found}, {f"{ARN}submit-1"})

    def test_reads_the_authorizer(self) -> None:
        (found,) = routes.authorizers(resolve(body(), SCOPE))
        self.assertEqual(found.issuer, "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x")
        self.assertEqual(found.audience, ("client",))

    def check_refused(self, change: dict[str, Any], message: str) -> None:
        with self.assertRaisesRegex(routes.BodyError, message):
            routes.routes({"paths": {"/x": change}})

    def test_what_it_does_not_know_is_an_error(self) -> None:
        self.check_refused({"summary": "?"}, "'summary'")
        self.check_refused({"get": {}}, "GET /x has no x-amazon")
        self.check_refused({"get": {"x-amazon-apigateway-integration": {"type": "http_proxy"}}}, "http_proxy")
        self.check_refused(
            {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "x"}}}, "name a function"
        )
        resolved: dict[str, Any] = resolve(operation(security=[{"A": []}, {"B": []}]), SCOPE)
        self.check_refused({"get": resolved}, "more than one authorizer: A, B")


class Installing(unittest.TestCase):
    """What is asked of the engine."""

    def test_makes_every_route(self) -> None:
        api = FakeApi()
        routes.install(api, "api", resolve(body(), SCOPE))
        self.assertEqual(len(api.integrations), 1, "one function, one integration")
        self.assertEqual(api.integrations[0]["PayloadFormatVersion"], "2.0")
        self.assertEqual(api.authorizers[0]["JwtConfiguration"]["Audience"], ["client"])
        secured, opened, _ = api.routes
        self.assertEqual((secured["AuthorizationType"], secured["AuthorizerId"]), ("JWT", "a1"))
        self.assertEqual((opened["AuthorizationType"], opened["Target"]), ("NONE", "integrations/i1"))

    def test_a_route_that_the_engine_forgets_is_an_error(self) -> None:
        with self.assertRaisesRegex(routes.BodyError, "POST /api/images/generate should be authorized by JWT"):
            routes.install(FakeApi(forgets="POST /api/images/generate"), "api", resolve(body(), SCOPE))

    def test_a_body_without_routes_is_an_error(self) -> None:
        with self.assertRaisesRegex(routes.BodyError, "no route"):
            routes.install(FakeApi(), "api", {"paths": {}})

    def test_an_unknown_authorizer_is_an_error(self) -> None:
        resolved = resolve(body(), SCOPE)
        del resolved["components"]
        with self.assertRaisesRegex(routes.BodyError, "the authorizer Users"):
            routes.install(FakeApi(), "api", resolved)


class Resolving(unittest.TestCase):
    """The intrinsic functions."""

    def test_values(self) -> None:
        for node, value in [
            ({"Ref": "Stage"}, "home"),
            ({"Fn::GetAtt": ["SubmitFunction", "Arn"]}, f"{ARN}submit-1"),
            ({"Fn::GetAtt": "SubmitFunction.Arn"}, f"{ARN}submit-1"),
            ({"Fn::Sub": "${Stage}/${!literal}/${AWS::AccountId}"}, "home/${literal}/000000000000"),
            ({"Fn::Sub": ["${Own}-${Stage}", {"Own": {"Ref": "UserPool"}}]}, "us-east-1_x-home"),
            ({"Fn::Join": ["/", ["a", {"Ref": "Stage"}]]}, "a/home"),
            ({"Fn::If": ["AtHome", "yes", "no"]}, "yes"),
            ({"a": {"Fn::If": ["HasEmpty", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}, {"b": 2}),
            ([1, {"Fn::If": ["HasEmpty", 1, {"Ref": "AWS::NoValue"}]}], [1]),
        ]:
            with self.subTest(node=node):
                self.assertEqual(resolve(node, SCOPE), value)

    def test_conditions(self) -> None:
        held = {name: condition(name, SCOPE) for name in SCOPE.conditions}
        self.assertEqual(held, {"AtHome": True, "HasEmpty": False, "Both": False, "Either": True})

    def test_what_it_cannot_resolve_is_named(self) -> None:
        for node in [
            {"Ref": "Nobody"},
            {"Fn::ImportValue": "x"},
            {"Fn::GetAtt": ["Table", "Arn"]},
            {"Fn::If": ["Nope", 1, 2]},
        ]:
            with self.subTest(node=node), self.assertRaises(Unresolvable):
                resolve(node, SCOPE)


if __name__ == "__main__":
    unittest.main()
