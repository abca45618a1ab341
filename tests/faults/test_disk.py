"""Disks that are full, read-only or gone: refused before the call, or the image is rescued."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from faults.inject import injected
from faults.lab import GOOD, IMAGE, REPLY, Bench, During, Row, Scenario, check
from support.replies import picture
from support.tools import obey_permissions, on_linux
from support.wire_server import Send, Steps, Wait

# /dev/full, /proc and capabilities.
pytestmark = on_linux

# A reply that waits until the test has done its harm.
_HELD = Steps(Wait(gate=True), Send(GOOD.head() + REPLY))
# One image, in one file.
_ONE = ("file", "json", "webp", "alt", "all", "draw")
_OTHER = picture(8, 8, color="blue")
_ERRORS = {
    "full": errno.ENOSPC,
    "quota": errno.EDQUOT,
    "read-only": errno.EROFS,
    "broken": errno.EIO,
    "too large": errno.EFBIG,
}


def _once_asked(harm: Callable[[Bench], object]) -> During:
    """Do harm while the service draws."""

    def during(bench: Bench, _: subprocess.Popen[bytes]) -> bool:
        if bench.server is None or not bench.server.requests:
            return False
        harm(bench)
        bench.server.gate.set()
        return True

    return during


def _break(bench: Bench) -> None:
    (bench.folder / "once").touch()


def _refused(name: str, *argv: str, says: str = "", exit_: int = 6, **more: Any) -> Scenario:
    """Refused before the call."""
    charged = "" if exit_ == 2 else "no"
    more = {"forms": _ONE, **more}
    return Scenario(name, exit_, charged, calls=0, argv=argv, says=says, **more)


def _rescued(name: str, harm: Callable[[Bench], object] = _break, **more: Any) -> Scenario:
    """Paid for, and kept elsewhere."""
    more = {"forms": _ONE, "kept": True, **more}
    return Scenario(name, 6, "yes", (_HELD,), during=_once_asked(harm), **more)


def _unprivileged(_: Bench) -> dict[str, Any]:
    return {"preexec_fn": obey_permissions}


def _made(bench: Bench, name: str = "out", mode: int = 0o755) -> None:
    (bench.work / name).mkdir()
    (bench.work / name).chmod(mode)


def _replaced(bench: Bench) -> None:
    (bench.work / "out").rmdir()
    (bench.work / "out").write_text("a file")


def _link(target: str) -> Callable[[Bench], object]:
    return lambda bench: (bench.work / "fox.png").symlink_to(target)


def _linked_image(bench: Bench) -> None:
    (bench.work / "other.png").write_bytes(_OTHER)
    _link("other.png")(bench)


def _full_stdout(_: Bench) -> dict[str, Any]:
    return {"stdout": os.open("/dev/full", os.O_WRONLY)}


def _closed_stdout(_: Bench) -> dict[str, Any]:
    reader, writer = os.pipe()
    os.close(reader)
    return {"stdout": writer}


_OUT = ("-o", "out/fox.png")

ROWS = (
    Row(
        "before",
        "the disk is full, its quota used up, read-only or broken, before the call",
        "noticed before the call, which is not made",
        tuple(
            _refused(name, options=injected(at_once=True, open=number))
            for name, number in _ERRORS.items()
            if name != "too large"
        ),
    ),
    Row(
        "during",
        "the same, once the call is made",
        "the paid image is rescued to the state folder, and its path told",
        (
            *(_rescued(name, options=injected(write=no)) for name, no in _ERRORS.items()),
            _rescued("opening", options=injected(open=errno.ENOSPC)),
            _rescued("naming", options=injected(link=errno.ENOSPC)),
            _rescued("syncing", options=injected(fsync=errno.EIO)),
            _rescued(
                "replacing",
                options=injected(replace=errno.EROFS),
                argv=("--force",),
                kept=False,
                leaves=("a-red-fox.png", "a-red-fox.webp"),
            ),
            _rescued("a folder", options=injected(write=errno.ENOSPC), forms=("folder",)),
            _rescued("two images", options=injected(write=errno.ENOSPC), forms=("count",)),
            _rescued("a batch", options=injected(write=errno.ENOSPC), forms=("batch",)),
        ),
    ),
    Row(
        "no-state",
        "neither the folder nor the state folder takes the image",
        "it is rescued to a new folder (0700) among the temporary ones, and its path told",
        (
            _rescued("full", options=injected(at_home=True, write=errno.ENOSPC)),
            _rescued("read-only", options=injected(at_home=True, open=errno.EROFS)),
        ),
    ),
    Row(
        "links",
        "the file system has no hard links",
        "the image is saved all the same",
        (
            Scenario("EPERM", 0, options=injected(at_once=True, link=errno.EPERM)),
            Scenario("ENOTSUP", 0, options=injected(at_once=True, link=errno.ENOTSUP)),
        ),
    ),
    Row(
        "permission",
        "the folder does not permit writing, before the call or since it",
        "refused before the call; or rescued",
        (
            _refused(
                "before",
                *_OUT,
                says="permission denied",
                prepare=lambda bench: _made(bench, mode=0o500),
                options=_unprivileged,
            ),
            _rescued(
                "since",
                lambda bench: (bench.work / "out").chmod(0o500),
                argv=_OUT,
                prepare=_made,
                options=_unprivileged,
                forms=("file", "json", "webp", "draw"),
            ),
        ),
    ),
    Row(
        "vanishes",
        "the folder vanishes during the call, or becomes a file",
        "the paid image is rescued, and its path told",
        (
            _rescued(
                "removed",
                lambda bench: shutil.rmtree(bench.work / "out"),
                argv=_OUT,
                prepare=_made,
                forms=("file", "json", "webp", "draw"),
            ),
            _rescued(
                "a file",
                _replaced,
                argv=_OUT,
                prepare=_made,
                forms=("file", "json", "webp", "draw"),
                leaves=("out",),
            ),
        ),
    ),
    Row(
        "path",
        "the path leads through a file, is missing, a device, a loop, or has too long a name",
        "refused before the call",
        (
            _refused("through a file", "-o", "in.png/fox.png", says="not a folder"),
            _refused("missing", "-o", "no/fox.png", says="no such folder"),
            _refused("a device", "-o", "/dev/full.png/x.png"),
            _refused("too long", "-o", f"{'x' * 300}.png", says="the name is too long"),
            _refused("too deep", "-o", f"{'x/' * 3000}fox.png"),
            _refused("a loop", "--force", prepare=_link("fox.png"), forms=("file", "json")),
            _refused("of another format", "-o", "fox.tiff", exit_=2),
            _refused("without a name", "-o", ".png", exit_=2),
        ),
    ),
    Row(
        "link",
        "the output is a link, dangling or to elsewhere",
        "left alone; `--force` replaces the file behind it, and keeps the link",
        (
            _refused("dangling", prepare=_link("none.png"), exit_=12, forms=("file", "json")),
            _refused("elsewhere", prepare=_linked_image, exit_=12, forms=("file", "json")),
            _refused("to nowhere", "--force", prepare=_link("no/none.png"), forms=("file", "json")),
            Scenario(
                "elsewhere, replaced",
                0,
                argv=("--force",),
                prepare=_linked_image,
                leaves=("other.png",),
                forms=("file", "json", "all"),
            ),
        ),
    ),
    Row(
        "appears",
        "the output appears during the call",
        "not overwritten: the paid image is saved under a free name, which is told",
        tuple(
            Scenario(
                name,
                6,
                "yes",
                (_HELD,),
                during=_once_asked(harm),
                leaves=("fox.png", "fox-2.png", "fox-2.alt.txt"),
                says="the image was saved as fox-2.png",
                forms=("file", "json", "alt", "all", "draw"),
            )
            for name, harm in {
                "a file": lambda bench: (bench.work / "fox.png").write_bytes(_OTHER),
                "a link": _link("none.png"),
                "a folder": lambda bench: (bench.work / "fox.png").mkdir(),
            }.items()
        ),
    ),
    Row(
        "twins",
        "names that differ in case alone, where that is no difference",
        "neither replaces the other",
        (
            _refused(
                "an image",
                "-o",
                "IN.PNG",
                exit_=12,
                options=injected(at_once=True, twins=True),
                forms=("file", "json"),
            ),
            Scenario(
                "rows",
                2,
                calls=0,
                command=("batch", "m.csv"),
                forms=("batch",),
                prepare=lambda bench: (bench.work / "m.csv").write_text(
                    "prompt,output\na fox,Fox.png\nan owl,fox.png\n"
                ),
            ),
        ),
    ),
    Row(
        "stdout",
        "stdout is full, or its reader has gone",
        "what is paid for is in its file, or rescued; 141 where the reader has gone",
        (
            Scenario("full", 6, "yes", options=_full_stdout, leaves=("fox.png",), forms=("file",)),
            Scenario(
                "full, an image", 6, "yes", options=_full_stdout, kept=True, forms=("stdout",)
            ),
            Scenario("gone", 141, options=_closed_stdout, leaves=("fox.png",), forms=("file",)),
            Scenario("gone, an image", 141, options=_closed_stdout, kept=True, forms=("stdout",)),
        ),
        elsewhere=(
            "commands/test_charges.py::test_a_reader_that_goes_away_after_the_first_line",
            "test_main.py::test_a_stream_that_the_parent_closed",
        ),
    ),
)


def test_disk(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)
    # What was there is there still.
    other = bench.work / "fox.png"
    if scenario.exit == 6 and other.is_file() and not other.is_symlink():
        assert other.read_bytes() in (_OTHER, IMAGE)
