"""The suite against a service that breaks one fact: it reports that one, and none else."""

from __future__ import annotations

import json
import re

import hypothesis
import hypothesis.strategies as st
import pytest
import requests
from contract import facts
from contract.answers import Reply
from contract.contract import Contract, Outcome
from contract.facts import Fact
from contract.questions import Subject
from contract.second_server import (
    BREAKAGES,
    BREAKAGES_AT_GOOGLE,
    BREAKAGES_OF_EVERY,
    HARMLESS,
    KEY,
    SecondServer,
)

_MODELS = {"wisgate": "gemini-3.1-flash-image-preview", "google": "gemini-nano-banana-2.1"}
_NAMES = (
    *("candidates", "content", "parts", "text", "thought", "inlineData", "mimeType", "data"),
    *("finishReason", "promptFeedback", "usageMetadata", "promptTokenCount", "totalTokenCount"),
    *("candidatesTokenCount", "models", "name", "nextPageToken", "error", "message", "code"),
)


def _verdicts(
    server: SecondServer, provider: str = "wisgate", *, every: bool = False
) -> dict[Outcome, set[str]]:
    contract = Contract(Subject(provider, server.url, KEY, _MODELS[provider]))
    found = [contract.judge(fact) for fact in facts.about(contract.subject, every=every)]
    return {
        outcome: {each.fact.id for each in found if each.outcome is outcome} for outcome in Outcome
    }


@pytest.mark.parametrize("provider", _MODELS)
def test_all_facts_hold_of_a_faithful_service(provider: str) -> None:
    with SecondServer() as server:
        found = _verdicts(server, provider, every=True)
    assert found[Outcome.DIFFERS] == set()
    assert found[Outcome.NOT_ANSWERED] == set()
    assert len(found[Outcome.HOLDS]) > 40


@pytest.mark.parametrize("breaks", BREAKAGES)
def test_the_broken_fact_is_reported_and_none_else(breaks: str) -> None:
    with SecondServer(breaks) as server:
        assert _verdicts(server)[Outcome.DIFFERS] == BREAKAGES[breaks]


@pytest.mark.parametrize("breaks", BREAKAGES_AT_GOOGLE)
def test_so_is_a_fact_of_one_provider(breaks: str) -> None:
    with SecondServer(breaks) as server:
        assert _verdicts(server, "google")[Outcome.DIFFERS] == BREAKAGES_AT_GOOGLE[breaks]


@pytest.mark.parametrize("breaks", BREAKAGES_OF_EVERY)
def test_so_is_a_fact_that_is_asked_only_with_every(breaks: str) -> None:
    with SecondServer(breaks) as server:
        found = _verdicts(server, "google", every=True)
    assert found[Outcome.DIFFERS] == BREAKAGES_OF_EVERY[breaks]


@pytest.mark.parametrize("harmless", HARMLESS)
def test_what_a_service_may_do_is_no_difference(harmless: str) -> None:
    with SecondServer(harmless) as server:
        found = _verdicts(server)
    assert found[Outcome.DIFFERS] == set()
    is_down = harmless == "is overloaded at times"
    assert found[Outcome.NOT_ANSWERED] >= ({"text-and-image"} if is_down else set())


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@hypothesis.given(
    fact=st.sampled_from(facts.FACTS),
    status=st.sampled_from((200, 204, 302, 400, 401, 403, 404, 429, 500, 503)),
    body=_values.map(json.dumps).map(str.encode) | st.binary(max_size=50),
)
def test_whatever_is_answered_gets_a_verdict(fact: Fact, status: int, body: bytes) -> None:
    contract = Contract(Subject("wisgate", "http://127.0.0.1:9", KEY, _MODELS["wisgate"]))
    body = body.replace(b"key", KEY.encode())
    headers = requests.structures.CaseInsensitiveDict({"Content-Type": "application/json"})
    reply = Reply(fact.question, contract.subject, status, headers, body)
    verdict = contract.verdict(fact, reply)
    assert "canary" not in verdict.answered
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", verdict.answered)
    assert (verdict.answered == "") == (verdict.outcome is Outcome.HOLDS)


def test_every_fact_has_an_id_of_its_own() -> None:
    ids = [fact.id for fact in facts.FACTS]
    assert len(set(ids)) == len(ids)
