"""What is packed says how large it is, and of what is cut all that is whole is read."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobanana_cli.api.plain_json import CUT, closed, unpacked_size

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just('\\"[{,'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("size", [0, 1, 255, 70_000, 3 << 20])
def test_gzip_says_its_size(size: int) -> None:
    assert unpacked_size(memoryview(gzip.compress(b"x" * size))) == size


def test_what_is_not_packed_says_none() -> None:
    assert unpacked_size(b'{"candidates": []}') == 0


def _is_start(found: Any, whole: Any) -> bool:
    """Return whether a value is another one, or has whole values from the start of that."""
    if isinstance(found, list) and found[-1:] == [{CUT: True}]:
        pairs = zip(found[:-1], whole, strict=False)
        return len(found) <= len(whole) + 1 and all(_is_start(*pair) for pair in pairs)
    if isinstance(found, dict) and CUT in found:
        return all(name == CUT or _is_start(found[name], whole[name]) for name in found)
    return bool(found == whole)


@settings(max_examples=300)
@given(
    st.lists(_VALUES, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=3), _VALUES),
    st.sampled_from([None, 1]),
    st.data(),
)
def test_what_is_cut_is_closed_behind_what_is_whole(
    whole: Any, indent: int | None, data: st.DataObject
) -> None:
    body = json.dumps(whole, indent=indent).encode()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    try:
        found = json.loads(closed(memoryview(cut)))
    except ValueError:
        # Nothing is whole yet: a key, or a number that may go on.
        return
    assert _is_start(found, whole)


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (b'{"a": [1, 2', b'{"a": [1,{"nb:cut":true}],"nb:cut":true}'),
        (b'{"a": "x"', b'{"a": "x","nb:cut":true}'),
        (b'{"a": "x", "b', b'{"a": "x","nb:cut":true}'),
        (b'{"a": "x", "b": "y\\"', b'{"a": "x","nb:cut":true}'),
        (b' [{"a": {}}, {"b": ', b'[{"a": {}},{"nb:cut":true}]'),
    ],
)
def test_the_place_of_the_cut_is_marked(cut: bytes, expected: bytes) -> None:
    assert closed(cut) == expected


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a', b'{"a": 12', b'"a"', b"{} {", b"[1}", b"data: {}", b"[" * 10_000]
)
def test_what_has_nothing_whole_is_not_closed(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"whole|cut|damaged"):
        closed(body)
