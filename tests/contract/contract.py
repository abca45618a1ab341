"""Ask a service the questions of the facts, within a budget, and judge its answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import requests
from contract import judges
from contract.answers import Reply
from contract.facts import Fact
from contract.questions import Question, Subject, is_signed

from nanobanana_cli.api import reply as nb_reply
from nanobanana_cli.api.deadline import no_auth
from nanobanana_cli.catalog import prices
from nanobanana_cli.errors import Charged, NbError
from nanobanana_cli.money import dollars
from nanobanana_cli.settings.redaction import redact
from nanobanana_cli.types import ContentRequest, Modality, Parameters, Reference, Tariff
from nanobanana_cli.ui.escape import escape

# Seconds: a large image of a slow day.
_TIMEOUT = (15, 300)
_PIECE = 1 << 20
_LARGEST = 200 << 20


class Outcome(Enum):
    """What became of a fact."""

    HOLDS = "holds"
    DIFFERS = "differs"
    NOT_ANSWERED = "not answered"


@dataclass(frozen=True)
class Verdict:
    """A fact, what became of it, and what was answered instead."""

    fact: Fact
    outcome: Outcome
    answered: str = ""


class NotAsked(Exception):
    """A question was not asked, or nothing came back, and why."""


@dataclass
class Contract:
    """Asks each question at most once.

    Args:
        subject: the service.
        budget: micro-dollars that may be spent; None where calls are free.
        connection: proxies and certificates, as arguments of `requests.request`.

    Attributes:
        spent: micro-dollars, by the catalog and the tokens of replies.
        replies: what came, in order.
        verdicts: what was judged, in order.
    """

    subject: Subject
    budget: int | None = None
    connection: Mapping[str, Any] = field(default_factory=dict)
    spent: int = 0
    replies: list[Reply] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    _asked: dict[str, Reply | NotAsked] = field(default_factory=dict)

    def judge(self, fact: Fact) -> Verdict:
        """Return the verdict about a fact, after asking its question if it was not asked yet."""
        verdict = self._judged(fact)
        self.verdicts.append(verdict)
        return verdict

    def _judged(self, fact: Fact) -> Verdict:
        try:
            return self.verdict(fact, self._reply(fact.question))
        except NotAsked as error:
            return Verdict(fact, Outcome.NOT_ANSWERED, str(error))

    def verdict(self, fact: Fact, reply: Reply) -> Verdict:
        """Return the verdict that a reply brings about."""
        outcome = Outcome.HOLDS
        try:
            if answered := fact.judge(reply):
                is_out = judges.is_no_answer(reply)
                outcome = Outcome.NOT_ANSWERED if is_out else Outcome.DIFFERS
        except judges.Unjudged as error:
            outcome, answered = Outcome.NOT_ANSWERED, str(error)
        except Exception as error:  # noqa: BLE001 - a service may send anything, and all are tried
            outcome = Outcome.DIFFERS
            answered = f"{reply.brief()}, of another shape: {type(error).__name__}"
        return Verdict(fact, outcome, escape(redact(answered, self.subject.key)))

    def price(self, question: Question) -> int:
        """Return micro-dollars that a call costs if the service takes it, by the catalog."""
        if question.costs_nothing:
            return 0
        found = prices.estimate(_as_request(question, self.subject), self._tariff).micro
        return prices.UNKNOWN if found is None else found

    def plan(self, facts: Iterable[Fact]) -> Plan:
        """Return what the questions of facts cost."""
        asked = {fact.question.name: fact.question for fact in facts}
        for question in list(asked.values()):
            if question.after:
                asked[question.after.name] = question.after
        costs = {name: self.price(question) for name, question in asked.items()}
        # What the call before it costs is spent by then.
        needs = [
            costs[name] + (costs[question.after.name] if question.after else 0)
            for name, question in asked.items()
            if question.is_refused
        ]
        paid = [costs[name] for name, question in asked.items() if not question.is_refused]
        refused = [costs[name] for name, question in asked.items() if question.is_refused]
        count, cost = len([each for each in paid if each]), sum(paid)
        return Plan(count, cost, max(refused, default=0), max(cost, *needs, 0))

    @property
    def _tariff(self) -> Tariff:
        return Tariff(self.subject.provider)

    def _reply(self, question: Question) -> Reply:
        if question.name not in self._asked:
            try:
                self._asked[question.name] = self._ask(question)
            except NotAsked as error:
                self._asked[question.name] = error
        found = self._asked[question.name]
        if isinstance(found, NotAsked):
            raise found
        return found

    def _ask(self, question: Question) -> Reply:
        before = {}
        if question.after:
            first = self._reply(question.after)
            before = first.object
            if first.status != 200 or not (first.parts or question.path):
                raise NotAsked(f"needs the answer to {question.after.name}: {first.brief()}")
            if question.signature != "kept" and not any(map(is_signed, first.parts)):
                raise NotAsked(f"the answer to {question.after.name} has no thoughtSignature")
        price = self.price(question)
        if self.budget is not None and self.spent + price > self.budget:
            left = dollars(self.budget - self.spent, zero="$0")
            raise NotAsked(f"not asked: it costs {dollars(price)}, and {left} is left")
        # Counted first, in case that it is interrupted.
        self.spent += price
        try:
            reply = self._received(question, before)
        except requests.RequestException as error:
            if _never_connected(error):
                self.spent -= price
            # Its words could hold the address with what a proxy wants to know.
            raise NotAsked(f"no answer: {type(error).__name__}") from None
        self.spent += self._charge(reply, price) - price
        self.replies.append(reply)
        return reply

    def _received(self, question: Question, before: Mapping[str, Any]) -> Reply:
        subject = self.subject
        deadline = time.monotonic() + _TIMEOUT[1]
        body = bytearray()
        with requests.request(
            "GET" if question.path else "POST",
            subject.base_url + question.target(subject, before),
            headers=question.headers(subject),
            data=question.body(subject, before),
            # A netrc file must not add credentials, nor a redirect take the key elsewhere.
            auth=no_auth,
            allow_redirects=False,
            timeout=_TIMEOUT,
            **{**self.connection, "stream": True},
        ) as response:
            for piece in response.iter_content(_PIECE):
                body += piece
                if len(body) > _LARGEST or time.monotonic() > deadline:
                    raise requests.ReadTimeout("too long a reply")
        return Reply(question, subject, response.status_code, response.headers, bytes(body))

    def _charge(self, reply: Reply, price: int) -> int:
        """Return micro-dollars that a reply has cost, or may have."""
        if not price:
            return 0
        if reply.status != 200:
            return 0 if judges.nb_error(reply).charged is Charged.NO else price
        request = _as_request(reply.question, self.subject)
        try:
            found = nb_reply.read(reply.body, request.modalities)
        except NbError as error:
            return 0 if error.charged is Charged.NO else price
        return max(prices.cost(request, found, self._tariff) or 0, 0) or price


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    return "NewConnectionError" in str(error) or "NameResolutionError" in str(error)


@dataclass(frozen=True)
class Plan:
    """What a run costs, in micro-dollars.

    Args:
        calls: that are paid for.
        cost: of those.
        refused: the most that a call costs which the service must refuse, if it does not.
        need: the budget without which nothing starts.
    """

    calls: int
    cost: int
    refused: int
    need: int

    @property
    def least(self) -> str:
        """What --max-cost has to name, in whole cents."""
        return f"{-(-self.need // 10_000) / 100:.2f}"

    def __str__(self) -> str:
        calls = f"{self.calls} paid call{'' if self.calls == 1 else 's'}"
        text = f"{calls}, about {dollars(self.cost)}" if self.calls else "no paid call"
        if self.refused:
            text += (
                f"; calls that must be refused are free, and {dollars(self.refused)} if one is not"
            )
        return text


def _as_request(question: Question, subject: Subject) -> ContentRequest:
    """Return what the catalog's prices go by."""
    kinds: dict[str, Modality] = {"TEXT": "TEXT", "IMAGE": "IMAGE"}
    # A service that takes no modalities for all of them would make an image.
    named = ("IMAGE",) if question.modalities is None else question.modalities
    count = len(question.all_references(subject))
    return ContentRequest(
        question.prompt,
        question.model or subject.model,
        modalities=tuple(kinds[each] for each in named),
        aspect=question.aspect,
        size=question.size_at(subject) or "1K",
        references=(Reference("", "image/png", b""),) * count,
        parameters=Parameters(search="search" in question.options),
    )
