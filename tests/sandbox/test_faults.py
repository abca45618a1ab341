"""The grammar of faults, and whose turn it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nanobanana_cli.commands import sandbox as command
from nanobanana_cli.errors import UsageError
from nanobanana_cli.sandbox.faults import FAULTS, Fault, FaultQueue, parse


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("safety", Fault("safety")),
        ("429:2", Fault("429", count=2)),
        ("slow", Fault("slow", 30.0)),
        ("slow:0.5", Fault("slow", 0.5)),
        ("trickle:3:1", Fault("trickle", 3.0, 1)),
    ],
)
def test_is_read(text: str, fault: Fault) -> None:
    assert parse(text) == fault


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("safty", "did you mean safety? `nb sandbox --help` lists them all"),
        ("SAFETY", "did you mean safety? `nb sandbox --help` lists them all"),
        ("bogus", "`nb sandbox --help` lists them all"),
        ("", "`nb sandbox --help` lists them all"),
        ("429:0", "write 429 or 429:COUNT"),
        ("429:x", "write 429 or 429:COUNT"),
        ("429:1:1", "write 429 or 429:COUNT"),
        ("slow:-1", "write slow or slow:SECONDS:COUNT"),
        ("slow:nan", "write slow or slow:SECONDS:COUNT"),
        ("slow:1:2:3", "write slow or slow:SECONDS:COUNT"),
    ],
)
def test_a_mistake_is_named(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse(text)
    assert (wrong.value.hint or "").startswith(hint)


def _names(queue: FaultQueue, calls: int) -> list[str | None]:
    return [fault.name if (fault := queue.next()) else None for _ in range(calls)]


def test_faults_take_turns() -> None:
    assert _names(FaultQueue(["429:2", "503:1"]), 5) == ["429", "429", "503", None, None]


def test_one_without_a_count_goes_on() -> None:
    assert _names(FaultQueue(["429:1", "safety"]), 4) == ["429", "safety", "safety", "safety"]


def test_one_that_never_has_its_turn_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="faults after 'safety' would never apply"):
        FaultQueue(["safety", "429:1"])


def test_mix_has_fixed_shares() -> None:
    names = _names(FaultQueue(["mix"]), 100)
    counts = {name: names.count(name) for name in set(names)}
    assert counts == {None: 75, "429": 5, "503": 5, "safety": 5, "cut": 5, "slow": 5}


def test_a_marker_counts_calls_alike() -> None:
    queue = FaultQueue()
    assert queue.next_marked("503:1", "a fox") == Fault("503", count=1)
    assert queue.next_marked("503:1", "an owl") == Fault("503", count=1)
    assert queue.next_marked("503:1", "a fox") is None


def test_a_marker_deals_the_mix_among_calls_alike() -> None:
    queue = FaultQueue()
    dealt = [queue.next_marked("mix", "a fox") for _ in range(8)]
    assert dealt == [None, None, None, Fault("429"), None, None, None, Fault("503")]


def test_the_count_holds_among_threads() -> None:
    queue = FaultQueue(["429:50"])
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: queue.next(), range(200)))
    assert sum(fault is not None for fault in found) == 50


def test_help_lists_every_fault() -> None:
    words = (command.command.__doc__ or "").split()
    assert [name for name in FAULTS if name not in words] == []
