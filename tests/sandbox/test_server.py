"""The server: routes, keys, the log, connections, many clients at once."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.raw_calls import GENERATE, content, post, request
from support.tools import on_linux

from nanobanana_cli.catalog import DEFAULT_MODEL, MODELS
from nanobanana_cli.errors import LocalFileError, UsageError
from nanobanana_cli.sandbox import picture
from nanobanana_cli.sandbox.server import Sandbox
from nanobanana_cli.sandbox.validation import MAX_BODY

_KEY = {"x-goog-api-key": "any"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "path", [GENERATE, f"/gateway{GENERATE}", f"/a/b/{GENERATE}", GENERATE.replace("v1beta", "v1")]
)
def test_answers_under_any_prefix_in_both_versions(sandbox: Sandbox, path: str) -> None:
    reply = post(sandbox, path=path)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    part = reply.json["candidates"][0]["content"]["parts"][0]["inlineData"]
    assert part["mimeType"] == "image/png"
    assert base64.b64decode(part["data"]) == picture.render("a red fox", "1:1", "0.5K")


@pytest.mark.parametrize(
    ("modalities", "kinds"),
    [
        (["IMAGE"], ["inlineData"]),
        (["TEXT"], ["text"]),
        (["TEXT", "IMAGE"], ["text", "inlineData"]),
    ],
)
def test_the_reply_has_the_modalities_asked_for(
    sandbox: Sandbox, modalities: list[str], kinds: list[str]
) -> None:
    candidate = post(sandbox, content("a fox", *modalities)).json["candidates"][0]
    assert [next(iter(part)) for part in candidate["content"]["parts"]] == kinds
    assert candidate["finishReason"] == "STOP"


@pytest.mark.parametrize(("most", "reason"), [(746, "MAX_TOKENS"), (747, "STOP"), (0, "STOP")])
def test_a_limit_of_tokens_below_those_of_an_image_leaves_none(
    sandbox: Sandbox, most: int, reason: str
) -> None:
    payload = content()
    payload["generationConfig"]["maxOutputTokens"] = most
    candidate = post(sandbox, payload).json["candidates"][0]
    assert (candidate["finishReason"], "content" in candidate) == (reason, reason == "STOP")


def test_lists_the_models_of_the_catalog(sandbox: Sandbox) -> None:
    found = request(sandbox, "GET", "/v1beta/models").json["models"]
    assert [model["name"] for model in found] == [f"models/{name}" for name in MODELS]
    one = request(sandbox, "GET", f"/v1beta/models/{DEFAULT_MODEL}?x=1").json
    assert one == found[0]
    assert one["supportedGenerationMethods"] == ["generateContent"]


def test_lists_models_in_pages(sandbox: Sandbox) -> None:
    path = "/v1beta/models?pageSize=3"
    found: list[str] = []
    token: str | None = ""
    while token is not None:
        page = request(sandbox, "GET", f"{path}&pageToken={token}").json
        assert len(page["models"]) <= 3
        found += [model["name"] for model in page["models"]]
        token = page.get("nextPageToken")
    assert found == [f"models/{name}" for name in MODELS]
    odd = request(sandbox, "GET", "/v1beta/models?pageSize=x&pageToken=-1").json["models"]
    assert len(odd) == len(MODELS)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1beta/models/none"),
        ("GET", GENERATE),
        ("POST", "/v1beta/models"),
        ("POST", GENERATE.replace("generate", "streamGenerate")),
        ("POST", GENERATE.replace("v1beta", "v2")),
        ("DELETE", "/v1beta/models"),
    ],
)
def test_everything_else_is_not_found(sandbox: Sandbox, method: str, path: str) -> None:
    reply = request(sandbox, method, path)
    assert reply.status == 404
    assert reply.json["error"]["status"] == "NOT_FOUND"


def test_the_colon_before_the_method_may_be_escaped(sandbox: Sandbox) -> None:
    assert post(sandbox, path=GENERATE.replace(":", "%3A")).status == 200


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "line\n"])
def test_a_key_that_no_client_could_send_is_a_mistake(key: str) -> None:
    with pytest.raises(UsageError, match="the key cannot be sent in a header"):
        Sandbox(key=key)


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({}, 401, "UNAUTHENTICATED"),
        ({"x-goog-api-key": ""}, 401, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer secret"}, 401, "UNAUTHENTICATED"),
        ({"x-goog-api-key": "wrong"}, 400, "INVALID_ARGUMENT"),
        ({"x-goog-api-key": "wr\xf6ng"}, 400, "INVALID_ARGUMENT"),
    ],
)
def test_a_key_is_demanded(headers: dict[str, str], status: int, name: str) -> None:
    with Sandbox(key="secret") as sandbox:
        for reply in (
            post(sandbox, headers=headers),
            request(sandbox, "GET", "/v1beta/models", headers=headers),
        ):
            assert (reply.status, reply.json["error"]["status"]) == (status, name)
            assert (status == 400) == ("API_KEY_INVALID" in reply.body.decode())


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer any"}])
def test_some_key_is_always_demanded(sandbox: Sandbox, headers: dict[str, str]) -> None:
    for reply in (
        post(sandbox, headers=headers),
        request(sandbox, "GET", "/v1beta/models", headers=headers),
    ):
        assert (reply.status, reply.json["error"]["status"]) == (401, "UNAUTHENTICATED")
        assert "x-goog-api-key" in reply.json["error"]["message"]
    assert post(sandbox, headers={"X-Goog-Api-Key": "any"}).status == 200


def test_the_right_key_is_taken_from_the_header_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Sandbox(key="secret", log=log) as sandbox:
        assert post(sandbox, headers={"x-goog-api-key": "secret"}).status == 200
        assert post(sandbox, path=f"{GENERATE}?key=secret", headers={}).status == 401
    assert "secret" not in log.read_text()


def test_the_log_tells_what_would_have_been_paid(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Sandbox(log=log, faults=["429:1"]) as sandbox:
        for payload in (content(), content("ein Füchslein", "TEXT", "IMAGE"), {"x": 1}):
            post(sandbox, payload)
            line = _lines(log)[-1]
    lines = _lines(log)
    assert line == lines[-1]
    assert [line["status"] for line in lines] == [429, 200, 400]
    assert [line["fault"] for line in lines] == ["429", None, None]
    assert [line["paid"] for line in lines] == [False, True, False]
    del lines[1]["time"]
    assert lines[1] == {
        "method": "POST",
        "path": GENERATE,
        "status": 200,
        "fault": None,
        "model": DEFAULT_MODEL,
        "prompt": "ein Füchslein",
        "aspect": "1:1",
        "size": "0.5K",
        "modalities": ["TEXT", "IMAGE"],
        "references": 0,
        "paid": True,
    }


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="cannot write the log"):
        Sandbox(log=tmp_path / "none" / "log")


@on_linux
def test_a_log_on_a_full_disk_is_told_to_the_client() -> None:
    with Sandbox(log=Path("/dev/full")) as sandbox:
        for _ in range(2):
            reply = post(sandbox)
            assert reply.status == 500
            assert reply.json["error"]["message"].startswith("The sandbox cannot write its log: No")


def test_a_port_in_use_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(UsageError, match=f"port {sandbox.port} cannot be used") as wrong:
        Sandbox(port=sandbox.port)
    assert wrong.value.hint == "--port 0 takes any free port"


def test_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"


def test_starts_and_stops_at_once_and_twice() -> None:
    started = time.monotonic()
    for _ in range(30):
        server = Sandbox()
        server.close()
        server.close()
    assert time.monotonic() - started < 10


def test_lines_end_when_it_is_closed() -> None:
    with Sandbox(has_lines=True, faults=["429:1"]) as sandbox:
        timer = threading.Timer(0.5, sandbox.close)
        timer.start()
        for _ in range(2):
            post(sandbox)
        lines = [line.split("  ") for line in sandbox.lines()]
        timer.join()
    path = GENERATE
    assert [line[1:4] for line in lines] == [["POST", path, "429"], ["POST", path, "200"]]
    assert [line[5:] for line in lines] == [
        ["fault 429", "free", "1:1", "0.5K", "a red fox"],
        ["paid", "1:1", "0.5K", "a red fox"],
    ]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sandbox.port))


def test_closing_cuts_what_is_in_flight() -> None:
    with Sandbox(faults=["hang"]) as sandbox, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, sandbox)
        time.sleep(0.1)
        started = time.monotonic()
        sandbox.close()
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            waiting.result()
    assert time.monotonic() - started < 10


def test_a_connection_serves_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=20)
    for _ in range(3):
        connection.request("POST", GENERATE, json.dumps(content()), _KEY)
        with connection.getresponse() as reply:
            assert reply.status == 200
            reply.read()
    connection.close()


def test_serves_64_clients_at_once() -> None:
    with Sandbox(latency=0.3) as sandbox, ThreadPoolExecutor(64) as pool:
        started = time.monotonic()
        replies = list(pool.map(lambda _: post(sandbox), range(64)))
        assert time.monotonic() - started < 10
    assert {reply.status for reply in replies} == {200}


def test_latency_comes_before_a_result_and_not_before_an_error() -> None:
    started = time.monotonic()
    with Sandbox(latency=30) as sandbox:
        post(sandbox, {"x": 1})
        assert time.monotonic() - started < 10
    started = time.monotonic()
    with Sandbox(latency=0.2) as sandbox:
        post(sandbox)
        assert time.monotonic() - started > 0.2


def test_too_large_a_request_is_refused_after_it_was_read(sandbox: Sandbox) -> None:
    reply = post(sandbox, b" " * (MAX_BODY + 1))
    assert reply.status == 413
    assert reply.json["error"]["message"].startswith("Request payload size exceeds the limit")


def test_a_body_may_come_in_chunks(sandbox: Sandbox) -> None:
    body = json.dumps(content()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=20)
    # Twice over one connection: nothing of the first may be left.
    for _ in range(2):
        pieces = (body[at : at + 50] for at in range(0, len(body), 50))
        connection.request("POST", GENERATE, pieces, _KEY, encode_chunked=True)
        with connection.getresponse() as reply:
            assert reply.status == 200
            assert json.load(reply)["candidates"]
    connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        # Not an address of IPv6.
        (b"GET http://[/ HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
        (b"nonsense of many words\r\n\r\n", 400),
    ],
)
def test_broken_http_gets_an_error_in_googles_shape(
    sandbox: Sandbox, head: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as client:
        client.sendall(head)
        with client.makefile("rb") as stream:
            reply = stream.read()
    assert json.loads(reply[reply.index(b"{") :])["error"]["code"] == status


def test_a_client_that_goes_away_is_no_news(
    sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    head = b"POST / HTTP/1.1\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    for sent in (
        *(b"", b"POST", head + b"Content-Length: 9\r\n\r\nabc"),
        *(chunked, chunked + b"9\r\nabc"),
    ):
        with socket.create_connection(("127.0.0.1", sandbox.port)) as client:
            client.sendall(sent)
    assert post(sandbox).status == 200
    sandbox.close()
    assert capfd.readouterr().err == ""
