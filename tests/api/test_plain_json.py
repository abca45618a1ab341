"""What is packed says how large it is, so that memory is there before it is unpacked."""

from __future__ import annotations

import gzip

import pytest

from nanobanana_cli.api.plain_json import unpacked_size


@pytest.mark.parametrize("size", [0, 1, 255, 70_000, 3 << 20])
def test_gzip_says_its_size(size: int) -> None:
    assert unpacked_size(memoryview(gzip.compress(b"x" * size))) == size


def test_what_is_not_packed_says_none() -> None:
    assert unpacked_size(b'{"candidates": []}') == 0
