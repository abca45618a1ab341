"""Write the difference between two states of a page, for `git apply` and `patch -p1`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

_CONTEXT = 3
_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def unified(path: str, old: bytes, new: bytes) -> bytes:
    """Return a unified diff of two states that have the same number of lines.

    Args:
        path: the file.
        old, new: its bytes, in any encoding that ends lines with LF.
    """
    before, after = old.split(b"\n"), new.split(b"\n")
    lines = [_ended(side) for side in (before, after)]
    changed = [at for at, (one, other) in enumerate(zip(*lines, strict=True)) if one != other]
    head = b"--- " + _name("a", path) + b"\n+++ " + _name("b", path) + b"\n"
    return head + b"".join(_hunk(lines, group) for group in _groups(changed))


def _ended(lines: Sequence[bytes]) -> list[bytes]:
    """Return the lines with their ends."""
    *whole, last = lines
    return [*(line + b"\n" for line in whole), *([last + _NO_NEWLINE] if last else [])]


def _groups(changed: Sequence[int]) -> Iterator[list[int]]:
    """Yield the lines that share a hunk, since their context would overlap."""
    group: list[int] = []
    for at in changed:
        if group and at - group[-1] > 2 * _CONTEXT + 1:
            yield group
            group = []
        group.append(at)
    if group:
        yield group


def _hunk(lines: Sequence[list[bytes]], group: Sequence[int]) -> bytes:
    before, after = lines
    first, last = max(0, group[0] - _CONTEXT), min(len(before), group[-1] + _CONTEXT + 1)
    count = last - first
    span = str(first + 1) if count == 1 else f"{first + 1},{count}"
    out = [f"@@ -{span} +{span} @@\n".encode()]
    added: list[bytes] = []
    for at in range(first, last):
        if before[at] == after[at]:
            out += [*added, b" " + before[at]]
            added = []
        else:
            out.append(b"-" + before[at])
            added.append(b"+" + after[at])
    return b"".join([*out, *added])


def _name(side: str, path: str) -> bytes:
    """Return a file's name as git writes it: quoted if need be, with a TAB after spaces."""
    name = os.fsencode(os.path.normpath(path).replace(os.sep, "/").lstrip("/"))
    name = side.encode() + b"/" + name
    if any(byte < 0x20 or byte in b'"\\\x7f' for byte in name):
        escaped = (
            b"\\" + bytes([byte])
            if byte in b'"\\'
            else b"\\%03o" % byte
            if byte < 0x20 or byte == 0x7F
            else bytes([byte])
            for byte in name
        )
        return b'"' + b"".join(escaped) + b'"'
    return name + (b"\t" if b" " in name else b"")
