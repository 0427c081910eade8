"""Deploys the project's SAM template, unchanged, to the local engine.

    deploy.py --template template.yaml --endpoint http://127.0.0.1:4566 --binaries target/debug
              --work-dir DIR --result FILE [--parameter Name=Value ...]

Knows the order: bundle, upload, create the stack, give the API its routes,
store the keys of the services around it, write down the outputs. What the
engine cannot do is made good in routes.py; what a template means is
bundle.py's and intrinsics.py's.
The keys come in the environment (see SECRETS), never as arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

import bundle
import routes
from intrinsics import Scope, Unresolvable, resolve

ACCOUNT = "000000000000"
CODE_BUCKET = "local-code"
API = "AWS::ApiGatewayV2::Api"
#: CreateStack takes a template of this size in its body; a larger one must be on S3.
INLINE_LIMIT = 51_200
#: Output of the template -> the environment variable whose value becomes the secret behind it.
SECRETS = {
    "ProviderSecretArn": "PROVIDER_API_KEY",
    "PolarTokenSecretArn": "POLAR_ACCESS_TOKEN",
    "PolarWebhookSecretArn": "POLAR_WEBHOOK_SECRET",
    "ResendKeySecretArn": "RESEND_API_KEY",
}
ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}


class DeployError(Exception):
    """The deployment cannot go on; the message is for whoever started it."""


class Engine:
    """Clients for the local engine. Ignores the developer's own AWS settings."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)

    def client(self, service: str) -> Any:
        """A client for one service."""
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, max_pool_connections=16)
        return self._session.client(service, endpoint_url=self.endpoint, config=config)


def parameters(
    template: Mapping[str, Any], known: Mapping[str, str | None], given: Mapping[str, str]
) -> dict[str, str]:
    """The values to pass: of what we know, those that the template declares; of what was asked for, all."""
    declared = template.get("Parameters", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise DeployError(f"the template has no parameter {', '.join(unknown)}; it has {', '.join(sorted(declared))}")
    values = {name: value for name, value in known.items() if name in declared and value is not None}
    values.update(given)
    missing = sorted(name for name, spec in declared.items() if "Default" not in spec and name not in values)
    if missing:
        raise DeployError(f"the template's {', '.join(missing)} has no default: pass --parameter {missing[0]}=...")
    return values


def upload(engine: Engine, assets: Sequence[bundle.Asset]) -> None:
    """Puts each asset, once, into the code bucket."""
    s3 = engine.client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET)

    def put(asset: bundle.Asset) -> None:
        with asset.path.open("rb") as body:
            s3.put_object(Bucket=CODE_BUCKET, Key=asset.key, Body=body)

    unique = {asset.key: asset for asset in assets}
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(put, unique.values()))


def create_stack(
    engine: Engine, name: str, template: Mapping[str, Any], values: Mapping[str, str], seconds: float
) -> Any:
    """Creates the stack, waits until it is complete, and returns its description."""
    cloudformation = engine.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure="DO_NOTHING",
        **_template_source(engine, name, json.dumps(template, default=str)),
    )
    deadline = time.monotonic() + seconds
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        status = stack["StackStatus"]
        if status == "CREATE_COMPLETE":
            return stack
        if status != "CREATE_IN_PROGRESS":
            raise DeployError(f"the stack ended as {status}\n{_failures(cloudformation, name)}")
        if time.monotonic() > deadline:
            raise DeployError(f"the stack was not complete after {seconds:.0f} s\n{_failures(cloudformation, name)}")
        time.sleep(0.1)


def _template_source(engine: Engine, name: str, text: str) -> dict[str, str]:
    if len(text.encode()) <= INLINE_LIMIT:
        return {"TemplateBody": text}
    key = f"templates/{name}.json"
    engine.client("s3").put_object(Bucket=CODE_BUCKET, Key=key, Body=text.encode())
    return {"TemplateURL": f"{engine.endpoint}/{CODE_BUCKET}/{key}"}


def _failures(cloudformation: Any, name: str) -> str:
    """What went wrong, one line a resource, the first failure first."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(map(_failure, failed))


def _failure(event: Mapping[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "no reason given")
    return f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason}"


def install_routes(engine: Engine, stack: Any) -> int:
    """Gives each HTTP API of the stack the routes of its body; returns how many there are."""
    cloudformation = engine.client("cloudformation")
    name = stack["StackName"]
    processed = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    processed = json.loads(processed) if isinstance(processed, str) else processed
    scope = scope_of(
        processed, stack, cloudformation.describe_stack_resources(StackName=name)["StackResources"], engine.region
    )
    api = engine.client("apigatewayv2")
    count = 0
    for logical_id, resource in processed["Resources"].items():
        body = resource.get("Properties", {}).get("Body")
        if resource["Type"] == API and body and logical_id in scope.physical_ids:
            count += len(routes.install(api, scope.physical_ids[logical_id], resolve(body, scope)))
    return count


def scope_of(processed: Mapping[str, Any], stack: Any, resources: Sequence[Mapping[str, Any]], region: str) -> Scope:
    """What the names of a processed template stand for in a stack."""
    defaults = {
        name: str(spec["Default"]) for name, spec in processed.get("Parameters", {}).items() if "Default" in spec
    }
    given = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}
    return Scope(
        physical_ids={item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources},
        types={item["LogicalResourceId"]: item["ResourceType"] for item in resources},
        parameters={**defaults, **given},
        conditions=processed.get("Conditions", {}),
        account=ACCOUNT,
        region=region,
        stack_name=stack["StackName"],
    )


def store_secrets(engine: Engine, outputs: Mapping[str, str]) -> None:
    """Stores the keys that came in the environment behind the secrets that the stack made."""
    client = engine.client("secretsmanager")
    for output, variable in SECRETS.items():
        value = os.environ.get(variable)
        if value and output in outputs:
            client.put_secret_value(SecretId=outputs[output], SecretString=value)


def deploy(options: argparse.Namespace) -> dict[str, str]:
    """Everything, in order; returns the stack's outputs."""
    started = time.monotonic()

    def done(what: str) -> None:
        print(f"deploy: {time.monotonic() - started:5.1f} s  {what}", flush=True)

    engine = Engine(options.endpoint, options.region)
    template = bundle.parse(options.template)
    known = {
        "Architecture": ARCHITECTURES.get(platform.machine().lower()),
        "WebOrigin": options.web_origin,
        **dict(options.known),
    }
    values = parameters(template, known, dict(options.parameter))
    assets = bundle.function_assets(template, options.binaries, options.work_dir)
    assets.update(bundle.definition_assets(template, options.template.parent))
    done(f"{len(assets)} bundles made")
    upload(engine, list(assets.values()))
    done("bundles uploaded")
    keys = {name: asset.key for name, asset in assets.items()}
    stack = create_stack(
        engine, options.stack_name, bundle.rewritten(template, CODE_BUCKET, keys), values, options.deadline
    )
    done("stack created")
    count = install_routes(engine, stack)
    done(f"{count} routes made")
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    store_secrets(engine, outputs)
    return outputs


def name_and_value(text: str) -> tuple[str, str]:
    """Splits `Name=Value`."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not Name=Value")
    return name, value


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--stack-name", default="batch-image-edit")
    parser.add_argument("--binaries", type=Path, required=True, help="where cargo put the functions")
    parser.add_argument("--work-dir", type=Path, required=True, help="where zips are kept for the next time")
    parser.add_argument("--result", type=Path, required=True, help="the outputs are written here, as JSON")
    parser.add_argument("--web-origin")
    parser.add_argument("--parameter", type=name_and_value, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--known",
        type=name_and_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter that is passed if the template declares it",
    )
    parser.add_argument("--deadline", type=float, default=120.0, help="seconds that the stack may take")
    return parser.parse_args(argv)


def main() -> int:
    """Deploys; what goes wrong is told in words."""
    options = arguments()
    try:
        outputs = deploy(options)
    except (DeployError, bundle.BundleError, routes.BodyError, BotoCoreError, ClientError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    except Unresolvable as error:
        print(f"deploy: the API's body needs {error}, which intrinsics.py does not resolve", file=sys.stderr)
        return 1
    options.result.write_text(json.dumps(outputs, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
