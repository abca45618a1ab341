"""`nb models`: the catalog, as people and scripts read it, and against a provider's own list."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from support.pty_run import run_in_pty
from support.wire_server import Answer, WireServer

from nanobanana_cli.catalog import ASPECTS, MODELS

if TYPE_CHECKING:
    from conftest import Nb

KEY = "secret-key-123"


def test_a_pipe_gets_one_line_a_model(nb: Nb) -> None:
    run = nb("models")
    lines = [line.split("\t") for line in run.out.splitlines()]
    assert (run.code, run.err) == (0, "")
    assert [line[0] for line in lines] == list(MODELS)
    assert lines[0] == [
        "gemini-3.1-flash-image-preview",
        "Nano Banana 2 (default at wisgate)",
        " ".join(ASPECTS),
        "0.5K 1K 2K 4K",
        "14",
        "minimal high",
        "web image",
        "retired 2026-06-25",
        "$0.058",
        "0.5K $0.045, 1K $0.067, 2K $0.101, 4K $0.151",
    ]
    by_id = {line[0]: line for line in lines}
    assert by_id["gemini-nano-banana-2.1"][5:8] == [
        "minimal medium (default) high",
        "web image",
        "living",
    ]
    assert by_id["gemini-3-pro-image"][5:7] == ["always on", "web"]
    assert by_id["gemini-3.1-flash-lite-image"][6] == "no"


def test_a_price_that_is_not_known_is_never_zero(nb: Nb) -> None:
    lines = {line.split("\t")[0]: line.split("\t")[8:] for line in nb("models").out.splitlines()}
    assert lines["gemini-nano-banana-2.1"] == ["unknown", "1K $0.0336, 2K $0.0504, 4K $0.1134"]
    records = map(json.loads, nb("models", "--json").out.splitlines())
    prices = {record["id"]: record["prices_usd"] for record in records}
    assert prices["gemini-nano-banana-2.1"] == {
        "wisgate": {"1K": None, "2K": None, "4K": None},
        "google": {"1K": 0.0336, "2K": 0.0504, "4K": 0.1134},
    }
    # Two sources contradict each other.
    assert prices["gemini-3-pro-image-preview"]["wisgate"] == {"1K": None, "2K": None, "4K": None}


def test_json_tells_all(nb: Nb) -> None:
    records = [json.loads(line) for line in nb("models", "--json").out.splitlines()]
    defaults = {record["id"]: record["default_at"] for record in records if record["default_at"]}
    assert defaults == {
        "gemini-3.1-flash-image-preview": ["wisgate"],
        "gemini-nano-banana-2.1": ["google"],
    }
    assert [record["id"] for record in records if record["default"]] == [
        "gemini-3.1-flash-image-preview"
    ]
    small = records[-1]
    assert small == {
        "id": "gemini-2.5-flash-image",
        "title": "Nano Banana",
        "default": False,
        "default_at": [],
        "aliases": [],
        "state": "retired",
        "state_since": "2026-10-02",
        "successor": "gemini-nano-banana-2.1",
        "aspects": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
        "sizes": ["1K"],
        "max_references": 3,
        "thinking": [],
        "default_thinking": None,
        "search": False,
        "search_kinds": [],
        "prices_usd": {"wisgate": {"1K": None, "2K": None}, "google": {"1K": 0.039}},
    }


def test_one_provider(nb: Nb) -> None:
    google = nb("models", "--provider", "google").out.splitlines()
    assert google[-1].split("\t")[8:] == ["$0.039"]
    assert google[2].split("\t")[1] == "Nano Banana 2.1 (default)"
    sandbox = nb("models", "--provider", "sandbox").out.splitlines()[-1]
    assert sandbox.split("\t")[8:] == ["free"]
    run = nb("models", "--provider", "gogle")
    assert run.code == 2
    assert run.err.startswith("nb: --provider gogle is not a provider\nhint: did you mean google?")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_tables_that_fit(columns: int) -> None:
    code, screen = run_in_pty("models", "--no-color", columns=columns)
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen).splitlines()
    assert max(map(len, lines)) <= columns
    for model in MODELS.values():
        head = next(line for line in lines if line.split("  ")[0] == model.id)
        assert model.title in head
    for fact in ("state", "aspect ratios", "thinking", "search"):
        assert sum(line.startswith(f"  {fact}") for line in lines) == len(MODELS)
    assert any(
        line.split()
        == ["state", "at", "Google", "retired", "2026-06-25,", "see", "gemini-nano-banana-2.1"]
        for line in lines
    )


def _page(*names: str, token: str | None = None) -> Answer:
    models = [{"name": name} for name in names]
    page = {"models": models} | ({} if token is None else {"nextPageToken": token})
    return Answer(200, body=json.dumps(page).encode())


def _check(nb: Nb, url: str, *argv: str) -> tuple[int, list[list[str]], str]:
    env = {"GEMINI_API_KEY": KEY, "NB_PROVIDER": "google", "NB_BASE_URL": url}
    run = nb("models", "--check", *argv, env=env)
    assert KEY not in run.out + run.err
    return run.code, [line.split() for line in run.out.splitlines()], run.err


def test_the_provider_is_asked_for_its_own_list(nb: Nb) -> None:
    pages = (
        _page("models/gemini-nano-banana-2.1", "models/gemini-9-flash", token="a/b="),
        # As new-api lists them.
        _page("gemini-3-pro-image", "gemini-9-image"),
    )
    with WireServer(*pages) as server:
        code, lines, err = _check(nb, server.url)
    assert (code, err) == (0, "")
    assert [seen.path for seen in server.requests] == [
        "/v1beta/models",
        "/v1beta/models?pageToken=a%2Fb%3D",
    ]
    states = {model: state for state, model in lines}
    assert states == {
        **dict.fromkeys(MODELS, "missing"),
        "gemini-nano-banana-2.1": "listed",
        "gemini-3-pro-image": "listed",
        "gemini-9-image": "new",
    }


def test_a_list_that_turns_in_circles_ends(nb: Nb) -> None:
    with WireServer(_page("models/gemini-nano-banana-2.1", token="again")) as server:
        code, _, _ = _check(nb, server.url)
    assert (code, len(server.requests)) == (0, 2)


def test_the_model_in_force_is_missing(nb: Nb) -> None:
    with WireServer(_page("models/gemini-3-pro-image")) as server:
        code, _, err = _check(nb, server.url)
        assert code == 3
        assert err.startswith("nb: google does not list gemini-nano-banana-2.1\n")
        run = nb(
            *("models", "--check", "--json"),
            env={"WISDOM_GATE_KEY": KEY, "NB_BASE_URL": server.url},
        )
    assert run.code == 3
    assert "hint: the model may be retired: try its successor with --model gemini-nano-" in run.err
    assert json.loads(run.out.splitlines()[3]) == {
        "id": "gemini-3-pro-image",
        "check": "listed",
        "provider": "wisgate",
    }


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(404, body=b"{}"), 0),
        (Answer(200, body=b"<html>a website answers any path</html>"), 0),
        (Answer(200, body=b'{"data": []}'), 0),
        (Answer(401, body=b'{"error": {"message": "no"}}'), 4),
    ],
)
def test_no_list(nb: Nb, answer: Answer, code: int) -> None:
    with WireServer(answer) as server:
        found, lines, err = _check(nb, server.url)
    assert (found, lines) == (code, [])
    assert ("google gives no list of its models" in err) == (code == 0)


def test_check_needs_a_key_where_calls_do(nb: Nb) -> None:
    assert nb("models", "--check").code == 4
    assert nb("models", "--check", "--provider", "sandbox").code == 0
    assert nb("models", "--base-url", "https://wisgate.ai").code == 2
