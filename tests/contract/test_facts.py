"""What is held to be true of a service: judged by the sandbox, or by a real one with --live."""

from __future__ import annotations

import pytest
from conftest import Nb
from contract.contract import Contract, Outcome
from contract.facts import Fact
from contract.recorder import Recorder


def test_holds(contract: Contract, fact: Fact, recorder: Recorder | None, nb: Nb) -> None:
    verdict = contract.judge(fact)
    if recorder:
        recorder.keep(contract.replies, nb)
    if verdict.outcome is Outcome.NOT_ANSWERED and contract.budget is not None:
        pytest.skip(verdict.answered)
    if verdict.outcome is not Outcome.HOLDS:
        pytest.fail(f"expected: {fact.statement}\nanswered: {verdict.answered}", pytrace=False)
