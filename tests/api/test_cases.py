"""What `nb` makes of replies that services and gateways have sent; see `tests/cases/README.md`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support import cases
from support.cases import Case
from support.wire_server import Answer, WireServer

_CASES = cases.load()
_KINDS = cases.load("kinds.jsonl")


@pytest.mark.parametrize("case", [*_CASES, *_KINDS], ids=lambda case: case.name)
def test_each_reply_is_read_right(nb: Nb, case: Case) -> None:
    found = cases.judge(case, lambda argv, env: nb(*argv, env=env))
    assert {check: what for check, what in found.items() if what} == {}
    assert Path("fox.png").exists() is (case.exit == 0)


def test_each_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in [*_CASES, *_KINDS]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("status", [200, 400])
def test_the_whole_message_is_told_to_who_asks_for_it(nb: Nb, status: int) -> None:
    words = f"The end of {'very ' * 200}long words."
    candidate = {"finishReason": "OTHER", "finishMessage": words}
    body = {"candidates": [candidate]} if status == 200 else {"error": {"message": words}}
    with WireServer(Answer(status, body=json.dumps(body).encode())) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        assert "long words" not in nb("generate", "fox", env=env).err
        assert words in nb("generate", "fox", "-v", env=env).err
