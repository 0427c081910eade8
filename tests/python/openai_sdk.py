"""OpenAI's official Python client against the stand-in: is it honest?

    openai_sdk.py http://127.0.0.1:8090/v1

What the client makes of an answer (a typed result, an exception of its own) is what its authors know of the real API. So
whatever it understands here, it would understand there; what the stand-in got wrong would show up as another exception.
Knows the client and the stand-in's fault markers, and nothing of this project.
"""

from __future__ import annotations

import base64
import struct
import sys
import unittest
import uuid
from pathlib import Path
from typing import Any

import openai

SAMPLES = Path(__file__).parents[2] / "samples"
PNG, JPEG = SAMPLES / "chelsea.png", SAMPLES / "rocket.jpg"
MODEL = "gpt-image-2"
BASE_URL = ""
HTTP = openai.DefaultHttpxClient(trust_env=False)


def tearDownModule() -> None:  # noqa: N802 - unittest's name
    """Closes what all clients share."""
    HTTP.close()


def client(**more: Any) -> openai.OpenAI:
    """A client that tries once and takes nothing from the environment."""
    settings = {"api_key": "a-key", "base_url": BASE_URL, "max_retries": 0, **more}
    return openai.OpenAI(http_client=HTTP, **settings)


def edit(prompt: str = "make it blue", using: openai.OpenAI | None = None, **more: Any) -> Any:
    """Asks for one edit of one photo, unless told otherwise."""
    request = {"model": MODEL, "image": PNG, "size": "1024x1024", "quality": "low", **more}
    return (using or client()).images.edit(prompt=prompt, **request)


def png_size(picture: str) -> tuple[int, int]:
    """The size of a whole PNG in base64."""
    data = base64.b64decode(picture, validate=True)
    if not (data.startswith(b"\x89PNG\r\n\x1a\n") and data.endswith(b"IEND\xaeB`\x82")):
        raise ValueError("not a whole PNG")
    return struct.unpack(">II", data[16:24])


class Pictures(unittest.TestCase):
    """Edits that succeed."""

    def test_a_file(self) -> None:
        with PNG.open("rb") as photo:
            answer = edit(image=photo)
        self.assertEqual(png_size(answer.data[0].b64_json), (1024, 1024))
        self.assertIsNone(answer.data[0].url)
        self.assertEqual((answer.output_format, answer.size, answer.quality), ("png", "1024x1024", "low"))
        self.assertGreater(answer.created, 1_700_000_000)
        self.assertTrue(answer._request_id.startswith("req_"))

    def test_usage(self) -> None:
        one, two = edit().usage, edit(image=[PNG, JPEG]).usage
        for usage in (one, two):
            details = usage.input_tokens_details
            self.assertEqual(usage.input_tokens, details.text_tokens + details.image_tokens)
            self.assertEqual(usage.total_tokens, usage.input_tokens + usage.output_tokens)
        self.assertGreater(two.input_tokens_details.image_tokens, one.input_tokens_details.image_tokens)
        self.assertEqual(one.output_tokens, two.output_tokens)

    def test_several_files_and_several_pictures(self) -> None:
        with PNG.open("rb") as first, JPEG.open("rb") as second:
            answer = edit(image=[first, second], n=2)
        self.assertEqual([png_size(picture.b64_json) for picture in answer.data], [(1024, 1024)] * 2)

    def test_another_format(self) -> None:
        photo = ("harbour.jpg", JPEG.read_bytes(), "image/jpeg")
        answer = edit(image=photo, output_format="jpeg", output_compression=60, size="1536x1024")
        picture = base64.b64decode(answer.data[0].b64_json, validate=True)
        self.assertTrue(picture.startswith(b"\xff\xd8\xff") and picture.endswith(b"\xff\xd9"))
        self.assertEqual((answer.output_format, answer.size), ("jpeg", "1536x1024"))

    def test_the_client_waits_as_it_is_asked_to_and_tries_again(self) -> None:
        prompt = f"[[fault:rate_limit:1]] blue {uuid.uuid4()}"
        self.assertEqual(len(edit(prompt, using=client(max_retries=1)).data), 1)

    def test_the_list_of_models(self) -> None:
        self.assertIn(MODEL, [model.id for model in client().models.list()])


class Refusals(unittest.TestCase):
    """Each refusal is the exception that the client has for it."""

    def refused(self, kind: type[openai.APIStatusError], status: int, code: str | None, **request: Any) -> Any:
        """Sees an edit refused; the exception."""
        with self.assertRaises(kind) as caught:
            edit(**request)
        error = caught.exception
        self.assertIs(type(error), kind)
        self.assertEqual((error.status_code, error.code), (status, code))
        self.assertTrue(error.request_id.startswith("req_"))
        return error

    def test_moderation(self) -> None:
        error = self.refused(openai.BadRequestError, 400, "moderation_blocked", prompt="[[fault:moderation]]")
        self.assertEqual(error.type, "image_generation_user_error")
        self.assertEqual(error.body["moderation_details"]["moderation_stage"], "input")

    def test_bad_pictures(self) -> None:
        error = self.refused(openai.BadRequestError, 400, "invalid_image_file", prompt="[[fault:bad_image]]")
        self.assertEqual((error.type, error.param), ("invalid_request_error", "image"))
        broken = ("photo.png", b"this is no photo", "image/png")
        self.refused(openai.BadRequestError, 400, "invalid_image_file", image=broken)
        # Bytes without a name: the client sends them as application/octet-stream.
        self.refused(openai.BadRequestError, 400, "unsupported_file_mimetype", image=PNG.read_bytes())

    def test_keys(self) -> None:
        bad = client(api_key="bad-key")
        self.refused(openai.AuthenticationError, 401, "invalid_api_key", using=bad)
        self.refused(openai.AuthenticationError, 401, "invalid_api_key", prompt="[[fault:bad_key]]")
        self.refused(openai.PermissionDeniedError, 403, None, prompt="[[fault:not_verified]]")

    def test_rate_limits(self) -> None:
        for fault, code in (("rate_limit", "rate_limit_exceeded"), ("slow_down", "slow_down")):
            error = self.refused(openai.RateLimitError, 429, code, prompt=f"[[fault:{fault}]]")
            self.assertEqual(error.response.headers["retry-after"], "1")
            self.assertEqual(error.response.headers["retry-after-ms"], "1000")

    def test_no_money(self) -> None:
        for fault, code in (
            ("out_of_money", "insufficient_quota"),
            ("credit_balance_exhausted", "credit_balance_exhausted"),
            ("spend_limit", "project_spend_limit_exceeded"),
        ):
            error = self.refused(openai.RateLimitError, 429, code, prompt=f"[[fault:{fault}]]")
            self.assertEqual(error.type, "insufficient_quota")
            self.assertNotIn("retry-after", error.response.headers)

    def test_failing_servers(self) -> None:
        for fault, status, code in (
            ("server_error", 500, "server_error"),
            ("bad_gateway", 502, None),
            ("overload", 503, "overloaded"),
            ("gateway_timeout", 504, None),
        ):
            self.refused(openai.InternalServerError, status, code, prompt=f"[[fault:{fault}]]")

    def test_parameters(self) -> None:
        for code, param, request in (
            ("unknown_parameter", "colour", {"extra_body": {"colour": "blue"}}),
            ("unknown_parameter", "response_format", {"response_format": "b64_json"}),
            ("missing_required_parameter", "model", {"model": openai.omit}),
            ("invalid_value", "model", {"model": "dall-e-2"}),
            ("invalid_value", "quality", {"quality": "standard"}),
            ("invalid_value", "size", {"size": "1000x1000"}),
            ("empty_string", "prompt", {"prompt": " "}),
            ("integer_above_max_value", "n", {"n": 11}),
            ("invalid_input_fidelity_model", "input_fidelity", {"input_fidelity": "high"}),
        ):
            with self.subTest(param=param, code=code):
                error = self.refused(openai.BadRequestError, 400, code, **request)
                self.assertEqual((error.type, error.param), ("invalid_request_error", param))

    def test_unknown_addresses(self) -> None:
        with self.assertRaises(openai.NotFoundError) as caught:
            client().post("/images/paintings", cast_to=object)
        self.assertEqual(caught.exception.code, "unknown_url")


class Faults(unittest.TestCase):
    """Answers that do not arrive whole are no results."""

    def test_cut_connections(self) -> None:
        for fault in ("cut", "cut_answer"):
            with self.subTest(fault=fault), self.assertRaises(openai.APIConnectionError):
                edit(f"[[fault:{fault}]]")

    def test_no_picture(self) -> None:
        self.assertEqual(edit("[[fault:empty_data]]").data, [])

    def test_half_a_picture(self) -> None:
        with self.assertRaises(ValueError):
            png_size(edit("[[fault:truncated_image]]").data[0].b64_json)

    def test_another_format_than_was_asked_for(self) -> None:
        picture = base64.b64decode(edit("[[fault:wrong_format]]").data[0].b64_json)
        self.assertTrue(picture.startswith(b"\xff\xd8\xff"))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BASE_URL = sys.argv.pop(1)
    unittest.main()
