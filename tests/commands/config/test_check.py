"""`nb config check`: each line, and the exit status of the first failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.wire_server import Answer, WireServer

if TYPE_CHECKING:
    from conftest import Nb, Run

KEY = "secret-key-123"
MODELS = b'{"models": [{"name": "models/gemini-3.1-flash-image-preview"}]}'
LISTED = Answer(200, body=MODELS)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer(LISTED) as server:
        yield server


def _states(run: Run) -> list[str]:
    """Such as `ok key`."""
    return [" ".join(line.split()[:2]) for line in run.out.splitlines()]


def _check(nb: Nb, url: str, *argv: str, key: str = KEY) -> Run:
    run = nb("config", "check", "--base-url", url, *argv, env={"WISDOM_GATE_KEY": key})
    assert KEY not in run.out + run.err
    return run


def test_all_is_well(nb: Nb, server: WireServer) -> None:
    run = _check(nb, server.url)
    assert (run.code, run.err) == (0, "")
    assert run.out.splitlines() == [
        "ok       key          for wisgate, from WISDOM_GATE_KEY",
        "ok       model        gemini-3.1-flash-image-preview, Nano Banana 2",
        f"ok       address      {server.url} answers",
        "ok       key          wisgate accepts it",
    ]
    (seen,) = server.requests
    assert (seen.method, seen.path) == ("GET", "/v1beta/models")
    assert seen.headers["x-goog-api-key"] == KEY
    assert "authorization" not in seen.headers


def test_without_a_key_the_address_is_still_tried(nb: Nb, server: WireServer) -> None:
    run = _check(nb, server.url, key="")
    assert run.code == 4
    assert _states(run) == ["failed key", "ok model", "ok address"]
    assert "hint: get one at https://wisgate.ai/hall/tokens" in run.err
    assert "x-goog-api-key" not in server.requests[0].headers


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key(nb: Nb, status: int) -> None:
    with WireServer(Answer(status, body=b"{}")) as server:
        run = _check(nb, server.url)
    assert run.code == 4
    assert _states(run) == ["ok key", "ok model", "ok address", "failed key"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, body=b"{}"),
        Answer(503, body=b"{}"),
        Answer(429, body=b"{}"),
        Answer(308, headers=(("Location", "https://elsewhere.example"),)),
        Answer(200, body=b"<html>a website answers any path</html>"),
        Answer(200, body=b'{"data": []}'),
        Answer(200, body=b"[" * 100_000),
    ],
    ids=lambda answer: f"{answer.status}-{len(answer.body)}",
)
def test_what_says_nothing_of_the_key_is_a_warning(nb: Nb, answer: Answer) -> None:
    with WireServer(answer) as server:
        run = _check(nb, server.url)
    assert run.code == 0
    assert _states(run) == ["ok key", "ok model", "ok address", "warning key"]
    assert "not verified: " in run.out
    assert "`nb config check --balance` asks the balance, at wisgate's own base URL" in run.out


def test_google_tells_no_balance(nb: Nb) -> None:
    with WireServer(Answer(404, body=b"{}")) as server:
        env = {"GEMINI_API_KEY": KEY, "NB_PROVIDER": "google", "NB_BASE_URL": server.url}
        run = nb("config", "check", env=env)
        assert "cannot be verified without a paid call" in run.out
        run = nb("config", "check", "--balance", env=env)
    assert run.code == 0
    assert _states(run)[-2:] == ["warning key", "warning balance"]
    assert all("authorization" not in seen.headers for seen in server.requests)


def test_a_model_that_the_service_does_not_list(nb: Nb, server: WireServer) -> None:
    env = {"WISDOM_GATE_KEY": KEY, "NB_BASE_URL": server.url, "NB_MODEL": "pro"}
    run = nb("config", "check", env=env)
    assert run.code == 0
    assert run.out.splitlines()[-1] == (
        "warning  model        wisgate does not list gemini-3-pro-image-preview among its 1"
    )
    assert "was shut down at Google on 2026-06-25; its successor is gemini-3-pro-image" in run.out
    assert "try its successor with --model gemini-3-pro-image, or see `nb models`\n" in run.err


def test_nobody_answers(nb: Nb) -> None:
    with WireServer(LISTED) as server:
        gone = server.url
    run = _check(nb, gone)
    assert run.code == 5
    assert _states(run) == ["ok key", "ok model", "failed address"]


def test_no_answer_in_time(nb: Nb) -> None:
    with WireServer(Answer(stall=0)) as server:
        env = {"WISDOM_GATE_KEY": KEY, "NB_TIMEOUT": "0.2", "NB_BASE_URL": server.url}
        run = nb("config", "check", env=env)
    assert run.code == 5
    assert _states(run)[-1] == "failed address"


def test_a_file_with_a_key_that_others_can_read(nb: Nb, server: WireServer) -> None:
    assert nb("config", "set", "api-key", stdin=KEY.encode()).code == 0
    file = Path(nb("config", "path").out.strip())
    run = _check(nb, server.url, key="")
    assert run.code == 0
    assert f"ok       permissions  only its owner can access {file}" in run.out
    file.chmod(0o640)
    run = _check(nb, server.url, key="")
    assert run.code == 0
    assert f"warning  permissions  {file} holds a key and is accessible to others (0640)" in run.out
    assert run.err == f"hint: chmod 600 {file}\n"
    assert _check(nb, server.url, "-q", key="").err == ""


def test_a_key_file_that_others_can_read(nb: Nb, server: WireServer) -> None:
    key_file = Path("key.txt").resolve()
    key_file.write_text(KEY)
    key_file.chmod(0o604)
    assert nb("config", "set", "api-key-file", "key.txt").code == 0
    run = _check(nb, server.url, key="")
    assert f"for wisgate, from {key_file}" in run.out
    assert f"warning  permissions  {key_file} holds a key" in run.out
    key_file.unlink()
    run = _check(nb, server.url, key="")
    assert run.code == 2
    assert _states(run)[:2] == ["failed key", "warning permissions"]


def test_a_model_that_is_not_known(nb: Nb, server: WireServer) -> None:
    run = nb(
        "config",
        "check",
        env={"NB_MODEL": "gemini-3-pro", "NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY},
    )
    assert run.code == 0
    assert "warning  model        gemini-3-pro is not in the catalog" in run.out
    assert "hint: did you mean gemini-3-pro-image? see `nb models`" in run.err


def test_settings_that_do_not_fit_are_a_finding(nb: Nb) -> None:
    run = nb("config", "check", env={"NB_ASPECT": "16-9"})
    assert run.code == 2
    assert run.out.startswith("failed   settings     NB_ASPECT=16-9 is not an aspect ratio of ")
    assert "did you mean 16:9?" in run.err


def test_json(nb: Nb, server: WireServer) -> None:
    run = _check(nb, server.url, "--json", key="")
    first = json.loads(run.out.splitlines()[0])
    assert (run.code, run.err) == (4, "")
    assert (first["state"], first["about"], first["message"]) == (
        "failed",
        "key",
        "no key for wisgate",
    )
    assert first["hint"].startswith("get one at")


def test_the_embedded_sandbox_needs_nothing(nb: Nb) -> None:
    run = nb("config", "check", "--provider", "sandbox", env={"WISDOM_GATE_KEY": KEY})
    assert run.code == 0
    assert _states(run) == ["ok key", "ok model", "ok address"]
    assert "ok       key          sandbox needs no key" in run.out


def test_vertex_is_not_asked_for_a_list_of_models(nb: Nb, server: WireServer) -> None:
    url = f"{server.url}/v1/publishers/google"
    run = _check(nb, url, "--provider", "google", key="")
    assert _states(run)[-1] == "warning address"
    run = nb(
        "config", "check", "--provider", "google", "--base-url", url, env={"GEMINI_API_KEY": KEY}
    )
    assert _states(run)[-2:] == ["warning address", "warning key"]
    reason = "nb asks for the Gemini API's list of models only, not Vertex AI's"
    assert f"address      {url} was not asked: {reason}" in run.out
    assert f"cannot be verified without a paid call: {reason}" in run.out
    run = nb(
        "models", "--check", "--provider", "google", "--base-url", url, env={"GEMINI_API_KEY": KEY}
    )
    assert (run.out, f"{reason}; nothing was asked" in run.err) == ("", True)
    assert not server.requests
