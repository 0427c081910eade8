"""Gives the HTTP API its routes.

MiniStack creates the API that SAM's `HttpApi` becomes, but ignores its OpenAPI
`Body`, where SAM put the routes. This module reads that body and makes the
same authorizers, integrations and routes by calls. It makes all of them or
fails: a route that is missing at home would be found in production only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = {
    "delete": "DELETE",
    "get": "GET",
    "head": "HEAD",
    "options": "OPTIONS",
    "patch": "PATCH",
    "post": "POST",
    "put": "PUT",
    "x-amazon-apigateway-any-method": "ANY",
}
_INTEGRATION = "x-amazon-apigateway-integration"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_FUNCTION_IN_URI = re.compile(r"functions/(arn:[^/]+)/invocations$")


class BodyError(Exception):
    """The API's body holds something that could not be given to the engine."""


@dataclass(frozen=True)
class Authorizer:
    """A JWT authorizer."""

    name: str
    identity_source: tuple[str, ...]
    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """One method of one path, and the function behind it."""

    key: str
    function_arn: str
    payload_format: str
    timeout_millis: int | None
    authorizer: str | None
    scopes: tuple[str, ...]


def authorizers(body: Mapping[str, Any]) -> list[Authorizer]:
    """The JWT authorizers of a resolved body."""
    schemes = body.get("components", {}).get("securitySchemes", {})
    return [_authorizer(name, scheme) for name, scheme in schemes.items()]


def _authorizer(name: str, scheme: Mapping[str, Any]) -> Authorizer:
    settings = scheme.get(_AUTHORIZER, {})
    if settings.get("type") != "jwt":
        raise BodyError(f"authorizer {name} is of type {settings.get('type')!r}; only jwt is handled here")
    jwt = settings.get("jwtConfiguration", {})
    source = settings.get("identitySource", "$request.header.Authorization")
    audience = jwt.get("audience", [])
    return Authorizer(
        name=name,
        identity_source=(source,) if isinstance(source, str) else tuple(source),
        issuer=jwt["issuer"],
        audience=(audience,) if isinstance(audience, str) else tuple(audience),
    )


def routes(body: Mapping[str, Any]) -> list[Route]:
    """The routes of a resolved body, in its order."""
    return [route for path, item in body.get("paths", {}).items() for route in _routes_of(path, item)]


def _routes_of(path: str, item: Mapping[str, Any]) -> Iterator[Route]:
    for method, operation in item.items():
        if method not in METHODS:
            raise BodyError(f"{path} holds {method!r}, which is not a method")
        yield _route(f"{METHODS[method]} {path}" if path != "/$default" else "$default", operation)


def _route(key: str, operation: Mapping[str, Any]) -> Route:
    integration = operation.get(_INTEGRATION)
    if not integration:
        raise BodyError(f"{key} has no {_INTEGRATION}")
    if str(integration.get("type", "")).lower() != "aws_proxy":
        raise BodyError(f"{key} has an integration of type {integration.get('type')!r}; only aws_proxy is handled here")
    function = _FUNCTION_IN_URI.search(str(integration.get("uri")))
    if not function:
        raise BodyError(f"{key} does not name a function: {integration.get('uri')!r}")
    authorizer, scopes = _security(key, operation.get("security", []))
    timeout = integration.get("timeoutInMillis")
    return Route(
        key=key,
        function_arn=function.group(1),
        payload_format=str(integration.get("payloadFormatVersion", "2.0")),
        timeout_millis=int(timeout) if timeout else None,
        authorizer=authorizer,
        scopes=scopes,
    )


def _security(key: str, security: Sequence[Mapping[str, Sequence[str]]]) -> tuple[str | None, tuple[str, ...]]:
    """The authorizer of a route and the scopes it asks for; `NONE` is SAM's word for an open route."""
    named = [(name, tuple(scopes)) for entry in security for name, scopes in entry.items() if name != "NONE"]
    if len(named) > 1:
        raise BodyError(f"{key} has more than one authorizer: {', '.join(name for name, _ in named)}")
    return named[0] if named else (None, ())


def install(api: Any, api_id: str, body: Mapping[str, Any]) -> list[Route]:
    """Makes what a resolved body describes, through an `apigatewayv2` client."""
    wanted = routes(body)
    if not wanted:
        raise BodyError("the API's body holds no route")
    ids = {found.name: _create_authorizer(api, api_id, found) for found in authorizers(body)}
    integrations: dict[tuple[str, str, int | None], str] = {}
    for route in wanted:
        target = (route.function_arn, route.payload_format, route.timeout_millis)
        if target not in integrations:
            integrations[target] = _create_integration(api, api_id, route)
        _create_route(api, api_id, route, integrations[target], ids)
    _check(api, api_id, wanted)
    return wanted


def _create_authorizer(api: Any, api_id: str, authorizer: Authorizer) -> str:
    made = api.create_authorizer(
        ApiId=api_id,
        AuthorizerType="JWT",
        Name=authorizer.name,
        IdentitySource=list(authorizer.identity_source),
        JwtConfiguration={"Issuer": authorizer.issuer, "Audience": list(authorizer.audience)},
    )
    return str(made["AuthorizerId"])


def _create_integration(api: Any, api_id: str, route: Route) -> str:
    timeout = {"TimeoutInMillis": route.timeout_millis} if route.timeout_millis else {}
    made = api.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri=route.function_arn,
        PayloadFormatVersion=route.payload_format,
        **timeout,
    )
    return str(made["IntegrationId"])


def _create_route(api: Any, api_id: str, route: Route, integration: str, ids: Mapping[str, str]) -> None:
    authorization: dict[str, Any] = {"AuthorizationType": "NONE"}
    if route.authorizer is not None:
        if route.authorizer not in ids:
            raise BodyError(f"{route.key} asks for the authorizer {route.authorizer}, which the body does not describe")
        authorization = {
            "AuthorizationType": "JWT",
            "AuthorizerId": ids[route.authorizer],
            "AuthorizationScopes": list(route.scopes),
        }
    api.create_route(ApiId=api_id, RouteKey=route.key, Target=f"integrations/{integration}", **authorization)


def _check(api: Any, api_id: str, wanted: Sequence[Route]) -> None:
    """Reads back what the engine holds: a call that it accepts and ignores is an error here."""
    held = {item["RouteKey"]: item.get("AuthorizationType", "NONE") for item in api.get_routes(ApiId=api_id)["Items"]}
    for route in wanted:
        expected = "NONE" if route.authorizer is None else "JWT"
        if held.get(route.key) != expected:
            raise BodyError(f"{route.key} should be authorized by {expected}, the engine has {held.get(route.key)}")
