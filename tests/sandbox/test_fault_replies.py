"""Each fault, as a client sees it on the wire."""

from __future__ import annotations

import base64
import http.client
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from google.genai import types
from PIL import Image
from support.raw_calls import Response, content, post, request

from nanobanana_cli.sandbox import picture
from nanobanana_cli.sandbox.faults import FAULTS
from nanobanana_cli.sandbox.server import Sandbox

_PICTURE = picture.render("a red fox", "1:1", "0.5K")
_STATUSES = {
    "credit": 403,
    "spending-cap": 429,
    "no-free-tier": 429,
    "gateway-500": 500,
    "firewall": 403,
    "nested": 400,
}


def _call(fault: str, *modalities: str) -> Response:
    with Sandbox(faults=[fault]) as sandbox:
        return post(sandbox, content("a red fox", *modalities))


def _parts(fault: str, *modalities: str) -> list[dict[str, Any]]:
    reply = _call(fault, *modalities)
    assert reply.status == 200
    types.GenerateContentResponse.model_validate(reply.json)
    found = reply.json["candidates"][0]["content"]["parts"]
    assert isinstance(found, list)
    return found


def _bytes(part: dict[str, Any]) -> bytes:
    return base64.b64decode(part["inlineData"]["data"])


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("400", "INVALID_ARGUMENT"),
        ("401", "UNAUTHENTICATED"),
        ("403", "PERMISSION_DENIED"),
        ("404", "NOT_FOUND"),
        ("413", "INVALID_ARGUMENT"),
        ("429", "RESOURCE_EXHAUSTED"),
        ("500", "INTERNAL"),
        ("503", "UNAVAILABLE"),
        ("504", "DEADLINE_EXCEEDED"),
    ],
)
def test_errors_in_googles_shape(fault: str, name: str) -> None:
    reply = _call(fault)
    error = reply.json["error"]
    assert (reply.status, error["code"], error["status"]) == (int(fault), int(fault), name)


def test_the_rate_limit_says_how_long_to_wait() -> None:
    reply = _call("429")
    assert reply.headers["Retry-After"] == "1"
    assert reply.json["error"]["details"][0]["retryDelay"] == "1s"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("402", 402, "insufficient_balance"),
        ("credit", 403, "insufficient_user_quota"),
        ("gateway-500", 500, "do_request_failed"),
    ],
)
def test_errors_in_a_gateways_shape(fault: str, status: int, code: str) -> None:
    reply = _call(fault)
    assert (reply.status, reply.json["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("502", 502, "text/html"),
        ("html", 200, "text/html"),
        ("not-json", 200, "text/plain"),
        ("firewall", 403, "text/plain"),
    ],
)
def test_bodies_that_are_no_json(fault: str, status: int, kind: str) -> None:
    reply = _call(fault)
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith(kind)
    assert b"{" not in reply.body


def test_a_redirect_leads_elsewhere() -> None:
    reply = _call("307")
    assert (reply.status, reply.headers["Location"]) == (307, "/elsewhere")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("safety", "IMAGE_SAFETY"),
        ("no-image", "NO_IMAGE"),
        ("recitation", "IMAGE_RECITATION"),
        ("prohibited", "IMAGE_PROHIBITED_CONTENT"),
        ("max-tokens", "MAX_TOKENS"),
    ],
)
def test_refusals_name_their_reason(fault: str, reason: str) -> None:
    reply = _call(fault)
    types.GenerateContentResponse.model_validate(reply.json)
    candidate = reply.json["candidates"][0]
    assert (reply.status, candidate["finishReason"]) == (200, reason)
    assert reason in candidate["finishMessage"]
    assert "content" not in candidate


def test_refusals_without_a_candidate() -> None:
    blocked = _call("blocked").json
    assert blocked["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in blocked
    assert _call("empty").json["candidates"] == []


def test_refusals_that_look_fine() -> None:
    assert _call("null-parts").json["candidates"][0]["content"]["parts"] is None
    assert [next(iter(part)) for part in _parts("text")] == ["text"]


def test_no_text() -> None:
    assert [next(iter(part)) for part in _parts("no-text", "TEXT", "IMAGE")] == ["inlineData"]


@pytest.mark.parametrize(("fault", "declared"), [("jpeg", "image/jpeg"), ("lying", "image/png")])
def test_jpeg(fault: str, declared: str) -> None:
    [part] = _parts(fault)
    assert part["inlineData"]["mimeType"] == declared
    assert _bytes(part).startswith(b"\xff\xd8\xff")


def test_drafts_come_first() -> None:
    thought, draft, final = _parts("drafts")
    assert thought["thought"] is draft["thought"] is True
    assert _size(_bytes(draft)) == (64, 64)
    assert _bytes(final) == _PICTURE
    assert "thoughtSignature" in final
    usage = _call("drafts").json["usageMetadata"]
    assert usage["candidatesTokenCount"] == 747
    assert usage["thoughtsTokenCount"] == 1127
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + 747 + 1127
    assert "thought" not in final


def test_several_end_with_the_one_that_counts() -> None:
    other, final = (_bytes(part) for part in _parts("several"))
    assert final == _PICTURE != other
    assert _size(other) == _size(final)


def test_snake_case() -> None:
    [part] = _call("snake").json["candidates"][0]["content"]["parts"]
    assert base64.b64decode(part["inline_data"]["data"]) == _PICTURE
    assert part["inline_data"]["mime_type"] == "image/png"


def test_data_uri() -> None:
    [part] = _parts("data-uri")
    head, _, data = part["text"].rstrip(")").partition(",")
    assert head == "![image](data:image/png;base64"
    assert base64.b64decode(data) == _PICTURE


@pytest.mark.parametrize("fault", ["spending-cap", "no-free-tier"])
def test_limits_that_no_wait_lifts_look_like_a_rate_limit(fault: str) -> None:
    error = _call(fault).json["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert ("limit: 0" if fault == "no-free-tier" else "spending cap") in error["message"]


def test_a_gateway_that_lost_the_reply_may_have_paid_for_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Sandbox(faults=["gateway-500"], log=log) as sandbox:
        post(sandbox)
    assert json.loads(log.read_text())["paid"] is True


def test_a_nested_error_is_two_deep() -> None:
    error = _call("nested").json["error"]
    for _ in range(2):
        error = json.loads(error["message"].removeprefix("upstream: "))["error"]
    assert error["status"] == "FAILED_PRECONDITION"


def test_an_error_with_status_200() -> None:
    reply = _call("success-false")
    assert reply.status == 200
    assert reply.json == {"success": False, "message": "get user group failed"}


def test_multi_holds_finished_images_that_differ() -> None:
    found = _parts("multi")
    assert [next(iter(part)) for part in found] == ["text", "inlineData"] * 3
    images = [_bytes(part) for part in found[1::2]]
    assert len(set(images)) == 3
    assert {_size(image) for image in images} == {(512, 512)}
    assert images[-1] == _PICTURE


@pytest.mark.parametrize("fault", ["link", "file-uri"])
def test_a_link_leads_to_the_picture_without_a_key(fault: str) -> None:
    with Sandbox(faults=[fault]) as sandbox:
        [part] = post(sandbox).json["candidates"][0]["content"]["parts"]
        if fault == "link":
            url = part["text"].partition("![image](")[2].removesuffix(")")
        else:
            assert part["fileData"]["mimeType"] == "image/png"
            url = part["fileData"]["fileUri"]
        assert url.startswith(f"{sandbox.url}/")
        path = url.removeprefix(sandbox.url)
        reply = request(sandbox, "GET", path, headers={})
        missing = request(sandbox, "GET", path[::-1], headers={})
    assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, "image/png", _PICTURE)
    assert missing.status == 404


def test_a_link_names_the_host_that_was_asked() -> None:
    headers = {"Host": "localhost:1", "x-goog-api-key": "any"}
    with Sandbox(faults=["link"]) as sandbox:
        reply = post(sandbox, headers=headers)
    assert (
        "](http://localhost:1/pictures/"
        in reply.json["candidates"][0]["content"]["parts"][0]["text"]
    )


@pytest.mark.parametrize("modalities", [["IMAGE"], ["TEXT"], ["TEXT", "IMAGE"]])
@pytest.mark.parametrize("fault", ["chunks", "sse"])
def test_replies_in_pieces_are_those_of_a_stream(fault: str, modalities: list[str]) -> None:
    reply = _call(fault, *modalities)
    if fault == "sse":
        assert reply.headers["Content-Type"] == "text/event-stream"
        events = reply.body.decode().removesuffix("\r\n\r\n").split("\r\n\r\n")
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    else:
        chunks = reply.json
    assert len(chunks) > 1
    for chunk in chunks:
        types.GenerateContentResponse.model_validate(chunk)
    candidates = [chunk["candidates"][0] for chunk in chunks]
    reasons = [candidate["finishReason"] for candidate in candidates]
    assert reasons == [None] * (len(chunks) - 1) + ["STOP"]
    found = [part for candidate in candidates for part in candidate["content"]["parts"]]
    assert [_bytes(part) for part in found if "inlineData" in part] == (
        [_PICTURE] if "IMAGE" in modalities else []
    )
    if "TEXT" in modalities:
        text = "".join(part.get("text", "") for part in found)
        assert text.startswith("A red fox, written over rolling hills")


def test_wrapped_and_padded() -> None:
    for whole in (_call("wrapped").json["response"], _call("padded").json):
        [part] = whole["candidates"][0]["content"]["parts"]
        assert _bytes(part) == _PICTURE
    assert _call("padded").body[:200_000].isspace()


@pytest.mark.parametrize(("fault", "size"), [("small", (256, 256)), ("wrong-ratio", (688, 384))])
def test_pictures_of_another_size(fault: str, size: tuple[int, int]) -> None:
    assert _size(_bytes(_parts(fault)[0])) == size


def test_corrupt() -> None:
    data = _bytes(_parts("corrupt")[0])
    assert _PICTURE.startswith(data)
    assert len(data) < len(_PICTURE)


def test_cut() -> None:
    with pytest.raises(http.client.IncompleteRead):
        _call("cut")


def test_reset() -> None:
    with pytest.raises(ConnectionResetError):
        _call("reset")


def test_hang(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Sandbox(faults=["hang"], log=log) as sandbox, pytest.raises(TimeoutError):
        post(sandbox, timeout=0.2)
    line = json.loads(log.read_text())
    assert (line["status"], line["fault"], line["paid"]) == (None, "hang", True)


@pytest.mark.parametrize("fault", ["slow:0.3", "trickle:0.3"])
def test_late_but_whole(fault: str) -> None:
    started = time.monotonic()
    [part] = _parts(fault)
    assert time.monotonic() - started > 0.25
    assert _bytes(part) == _PICTURE


def test_a_marker_spoils_one_call_and_is_not_drawn() -> None:
    with Sandbox() as sandbox:
        assert post(sandbox, content("a red fox [[fault:429:1]]")).status == 429
        again = post(sandbox, content("a red fox [[fault:429:1]]"))
        wrong = post(sandbox, content("a red fox [[fault:saefty]]"))
    assert _bytes(again.json["candidates"][0]["content"]["parts"][0]) == _PICTURE
    assert wrong.status == 400
    assert wrong.json["error"] == {
        "code": 400,
        "message": "unknown fault 'saefty'; did you mean safety? "
        "`nb sandbox --help` lists them all",
        "status": "INVALID_ARGUMENT",
    }


def test_a_bad_request_uses_up_no_fault() -> None:
    with Sandbox(faults=["503:1"]) as sandbox:
        assert [post(sandbox, payload).status for payload in ({"x": 1}, None, None)] == [
            400,
            503,
            200,
        ]


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("hang", "reset", "cut")])
def test_every_fault_answers_a_request_for_text_too(fault: str) -> None:
    spec = f"{fault}:0" if fault in ("slow", "trickle") else fault
    status = _STATUSES.get(fault, int(fault) if fault.isdigit() else 200)
    assert _call(spec, "TEXT").status == status
