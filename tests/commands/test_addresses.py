"""Addresses and models as people paste them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import failed, made
from support.wire_server import WireServer

PRO = "gemini-3-pro-image-preview"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    monkeypatch.setenv("WISDOM_GATE_KEY", "sk-very-secret-key-123")
    with WireServer(made()) as server:
        yield server


def _path(server: WireServer) -> str:
    return server.requests[-1].path


def test_a_pasted_call_names_address_and_model(nb: Nb, server: WireServer) -> None:
    pasted = f"{server.url}/gate/v1beta/models/{PRO}:generateContent"
    run = nb("generate", "fox", "-o", "a.png", env={"NB_BASE_URL": pasted})
    assert (run.code, _path(server)) == (0, f"/gate/v1beta/models/{PRO}:generateContent")
    assert "holds" not in run.err
    # What is nearer to the command wins, and says so.
    run = nb(
        *("generate", "fox", "-o", "b.png", "-m", "gemini-2.5-flash-image"),
        env={"NB_BASE_URL": pasted},
    )
    assert (run.code, _path(server)) == (
        0,
        "/gate/v1beta/models/gemini-2.5-flash-image:generateContent",
    )
    assert (
        f"gemini-2.5-flash-image from --model holds, not {PRO} in the address from NB_BASE_URL"
        in run.err
    )
    run = nb(
        *("generate", "fox", "-o", "c.png", "--base-url", pasted),
        env={"NB_MODEL": "gemini-2.5-flash-image"},
    )
    assert (run.code, _path(server)) == (0, f"/gate/v1beta/models/{PRO}:generateContent")


def test_the_address_is_told_from_the_model_when_it_is_stored(nb: Nb, server: WireServer) -> None:
    run = nb("config", "set", "base-url", f"{server.url}/v1beta/models/{PRO}:generateContent")
    assert run.code == 0
    assert f"the model in the address is left out: nb config set model {PRO}" in run.err
    assert nb("config", "get", "base-url").out == f"{server.url}\n"


def test_the_folder_of_a_model_is_not_sent(nb: Nb, server: WireServer) -> None:
    run = nb(
        *("generate", "fox", "-o", "a.png", "-m", f"models/{PRO}"),
        env={"NB_BASE_URL": f"{server.url}/v1beta/models"},
    )
    assert (run.code, _path(server)) == (0, f"/v1beta/models/{PRO}:generateContent")
    Path("m.jsonl").write_text(json.dumps({"prompt": "fox", "model": f"models/{PRO}"}))
    assert nb("batch", "m.jsonl", env={"NB_BASE_URL": server.url}).code == 0
    assert _path(server) == f"/v1beta/models/{PRO}:generateContent"


def test_vertex_has_its_version_elsewhere(nb: Nb, server: WireServer) -> None:
    base = f"{server.url}/v1/publishers/google"
    path = f"/v1/publishers/google/models/{PRO}:generateContent"
    options = ("generate", "fox", "-m", PRO)
    assert nb(*options, "-o", "a.png", env={"NB_BASE_URL": base}).code == 0
    assert _path(server) == path
    run = nb(*options, "--dry-run", env={"NB_BASE_URL": base})
    assert json.loads(run.out)["url"] == server.url + path
    run = nb(*options, "--curl", env={"NB_BASE_URL": base})
    assert f"{server.url}{path}" in run.out


def test_a_404_of_an_address_with_a_version_says_so(nb: Nb) -> None:
    with WireServer(failed(404, "page not found")) as other:
        base = f"{other.url}/v1"
        run = nb("generate", "fox", env={"NB_BASE_URL": base, "WISDOM_GATE_KEY": "sk-a-key-123"})
    assert (run.code, other.requests[0].path) == (
        7,
        "/v1/v1beta/models/gemini-3.1-flash-image-preview:generateContent",
    )
    assert "hint: leave /v1 out of base-url" in run.err
