"""What the tests in tests/fuzz share."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import hypothesis
import hypothesis.strategies as st

from nanobanana_cli.ui import escape

# Seconds of this process for an input of 50 to 100 kB; what grows with its square takes longer.
_LONGEST = 1.5
# In every secret, and in no message.
CANARY = "sk-CANARY0123456789"


def inputs(share: float) -> hypothesis.settings:
    """Settings for a share of the inputs that the profile has, for what is slow."""
    whole = hypothesis.settings.default
    assert whole is not None
    return hypothesis.settings(
        max_examples=max(5, int(whole.max_examples * share)),
        suppress_health_check=[*hypothesis.HealthCheck],
        # To make an input smaller would take too long here, and a time depends on its size.
        phases=[hypothesis.Phase.reuse, hypothesis.Phase.generate],
    )


@contextmanager
def soon() -> Iterator[None]:
    """Fail if the block takes long."""
    # To go through what the tests themselves hold can take seconds, after hours of inputs.
    gc.freeze()
    started = time.process_time()
    yield
    taken = time.process_time() - started
    gc.unfreeze()
    assert taken < _LONGEST


def check_message(text: str) -> None:
    """Fail unless a message can be shown as it is, but for escapes, and holds no secret."""
    assert text
    assert "\n" not in escape.escape(text)
    assert CANARY not in text
    assert "set_int_max_str_digits" not in text
    assert "recursion" not in text


class Long(NamedTuple):
    """A long text, told in few words: what it begins with, what is there many times, its end."""

    start: str
    piece: str
    end: str

    def text(self, size: int) -> str:
        """So many characters of it."""
        return self.start + self.piece * (size // len(self.piece)) + self.end


def repeated(tokens: Sequence[str]) -> st.SearchStrategy[Long]:
    """A few tokens, some that are there thousands of times, and a few more."""
    few = st.lists(st.sampled_from(tokens), max_size=4).map("".join)
    again = st.lists(st.sampled_from(tokens), min_size=1, max_size=4).map("".join)
    return st.builds(Long, few, again.filter(bool), few)


def mixed(tokens: Sequence[str], most: int = 30) -> st.SearchStrategy[str]:
    """Tokens in any order, with any characters between them."""
    return st.lists(st.sampled_from(tokens) | st.text(max_size=3), max_size=most).map("".join)
