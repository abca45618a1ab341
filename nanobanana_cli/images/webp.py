"""Walks a WebP's chunks. Source of the rules: RFC 9649."""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.images.damage import DamagedImage


def check(data: bytes | bytearray) -> None:
    """Passes a WebP that has all its chunks. Bytes after the container are let pass.

    Raises:
        DamagedImage: it is cut, or has no picture.
    """
    kinds = {kind for kind, _ in chunks(data)}
    if kinds.isdisjoint({b"VP8 ", b"VP8L", b"ANMF"}):
        raise DamagedImage("the WebP has no picture in it")


def chunks(data: bytes | bytearray) -> Iterator[tuple[bytes, memoryview]]:
    """Type and body of each chunk, not copied.

    Raises:
        DamagedImage: as it comes to where the file is cut.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise DamagedImage("it does not begin like a WebP")
    view = memoryview(data)
    whole = 8 + int.from_bytes(view[4:8], "little")
    if len(view) < whole:
        raise DamagedImage(f"the WebP is cut off after {len(view)} of {whole} bytes")
    start = 12
    while start < whole:
        length = int.from_bytes(view[start + 4 : start + 8], "little")
        end = start + 8 + length
        if end > whole or start + 8 > whole:
            raise DamagedImage("a chunk of the WebP reaches beyond its end")
        yield bytes(view[start : start + 4]), view[start + 8 : end]
        # Chunks begin at even offsets.
        start = end + length % 2
