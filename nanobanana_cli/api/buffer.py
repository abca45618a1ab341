"""Memory for what is as large as a picture."""

from __future__ import annotations

import mmap
import sys
from contextlib import suppress

# Below this, memory that has been used before is at hand; above, it is new, and the kernel would
# hand it out 4 KiB at a time: that takes longer than to fill it.
_LARGE = 4 << 20


def buffer(size: int) -> memoryview:
    """Writable memory of so many bytes, which goes when the last view of it does."""
    if size < _LARGE or sys.platform != "linux":
        return memoryview(bytearray(size))
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages
        pages.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(pages)
