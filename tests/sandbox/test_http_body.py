"""Bodies as they come over the wire."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.sandbox import http_body
from nanobanana_cli.sandbox.errors import ApiError
from nanobanana_cli.sandbox.validation import MAX_BODY

_CHUNKED = {"transfer-encoding": "Chunked"}


def _chunked(pieces: list[bytes], trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x;note=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return chunks + b"0\r\n" + trailer + b"\r\n"


@given(st.lists(st.binary(max_size=20)), st.sampled_from([b"", b"X-Sum: 1\r\n"]))
def test_chunks_are_put_together_and_nothing_more_is_read(
    pieces: list[bytes], trailer: bytes
) -> None:
    stream = io.BytesIO(_chunked(pieces, trailer) + b"next")
    assert http_body.read(_CHUNKED, stream) == b"".join(pieces)
    assert stream.read() == b"next"


def test_a_length_is_kept_to() -> None:
    stream = io.BytesIO(b"abcnext")
    assert http_body.read({"content-length": "3"}, stream) == b"abc"
    assert http_body.read({}, stream) == b""
    assert stream.read() == b"next"


def test_what_is_too_large_is_read_to_its_end() -> None:
    piece = bytes(1 << 20)
    stream = io.BytesIO(_chunked([piece] * (MAX_BODY // len(piece) + 1)) + b"next")
    with pytest.raises(ApiError) as refused:
        http_body.read(_CHUNKED, stream)
    assert refused.value.code == 413
    assert stream.read() == b"next"
