"""`nb models`: the catalog, as people and scripts read it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from support.pty_run import run_in_pty

from nanobanana_cli.catalog import ASPECTS, MODELS

if TYPE_CHECKING:
    from conftest import Nb


def test_a_pipe_gets_one_line_a_model(nb: Nb) -> None:
    run = nb("models")
    lines = [line.split("\t") for line in run.out.splitlines()]
    assert (run.code, run.err) == (0, "")
    assert [line[0] for line in lines] == list(MODELS)
    assert lines[0] == [
        "gemini-3.1-flash-image-preview",
        "Nano Banana 2 (default)",
        " ".join(ASPECTS),
        "0.5K 1K 2K 4K",
        "14",
        "$0.058",
        "0.5K $0.045, 1K $0.067, 2K $0.101, 4K $0.151",
    ]


def test_a_price_that_is_not_known_is_never_zero(nb: Nb) -> None:
    lines = {line.split("\t")[0]: line.split("\t")[5:] for line in nb("models").out.splitlines()}
    assert lines["gemini-nano-banana-2.1"] == ["unknown", "1K $0.034, 2K unknown, 4K $0.113"]
    records = map(json.loads, nb("models", "--json").out.splitlines())
    prices = {record["id"]: record["prices_usd"] for record in records}
    assert prices["gemini-nano-banana-2.1"] == {
        "wisgate": {"1K": None, "2K": None, "4K": None},
        "google": {"1K": 0.034, "2K": None, "4K": 0.113},
    }


def test_json_tells_all(nb: Nb) -> None:
    records = [json.loads(line) for line in nb("models", "--json").out.splitlines()]
    assert [record["id"] for record in records if record["default"]] == [
        "gemini-3.1-flash-image-preview"
    ]
    small = records[-1]
    assert small == {
        "id": "gemini-2.5-flash-image",
        "title": "Nano Banana",
        "default": False,
        "aspects": ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
        "sizes": ["1K"],
        "max_references": 3,
        "thinking": [],
        "search": False,
        "prices_usd": {"wisgate": {"1K": None}, "google": {"1K": 0.039}},
    }


def test_one_provider(nb: Nb) -> None:
    google = nb("models", "--provider", "google").out.splitlines()[-1]
    assert google.split("\t")[5:] == ["$0.039"]
    sandbox = nb("models", "--provider", "sandbox").out.splitlines()[-1]
    assert sandbox.split("\t")[5:] == ["free"]
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
    assert sum("aspect ratios" in line for line in lines) == len(MODELS)
