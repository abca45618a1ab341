"""The project's own list of alt texts: what the rules find in the bad ones, and in the good ones.

The held-out half was not looked at while the rules were written.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from nanobanana_cli.captions.lint import lint

_FOLDER = Path(__file__).parent / "texts"
_HALVES = ("development", "held_out")


class Sample(msgspec.Struct, frozen=True):
    """A text, its language, and the rule that it breaks; None for a good one."""

    text: str
    lang: str
    rule: str | None


def samples(*halves: str) -> list[Sample]:
    lines = "".join((_FOLDER / f"{half}.jsonl").read_text() for half in halves).splitlines()
    return [Sample(**json.loads(line)) for line in lines]


def kinds(sample: Sample) -> set[str]:
    found = lint(sample.text, limit=150, file_name="i/other.png", prompt="something else")
    return {problem.kind for problem in found}


def test_the_list_is_long_enough() -> None:
    found = samples(*_HALVES)
    assert sum(sample.rule is not None for sample in found) >= 150
    assert sum(sample.rule is None for sample in found) >= 100
    for is_good in (True, False):
        languages = {sample.lang for sample in found if (sample.rule is None) is is_good}
        assert languages >= {"en", "de", "fr", "es", "pt", "it", "ja", "zh", "ko", "ar"}


@pytest.mark.parametrize("half", _HALVES)
def test_bad_texts_are_found(half: str) -> None:
    bad = [sample for sample in samples(half) if sample.rule is not None]
    missed = [sample.text for sample in bad if not kinds(sample)]
    assert len(missed) <= 0.05 * len(bad), missed
    # By the right rule, too; `image1` is a placeholder as much as a file name.
    other = [sample.text for sample in bad if kinds(sample) and sample.rule not in kinds(sample)]
    assert len(other) <= 0.05 * len(bad), other


@pytest.mark.parametrize("half", _HALVES)
def test_good_texts_are_left_alone(half: str) -> None:
    good = [sample for sample in samples(half) if sample.rule is None]
    alarms = {sample.text: kinds(sample) for sample in good if kinds(sample)}
    assert len(alarms) <= 0.02 * len(good), alarms
