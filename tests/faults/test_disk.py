"""Disks that are full, read-only or gone: refused before the call, or the image is rescued."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.inject import injected
from faults.judge import check
from faults.lab import (
    BATCH,
    CAPTION,
    FORMS,
    GOOD,
    IMAGE,
    REPLY,
    TEXT,
    Bench,
    During,
    Row,
    Scenario,
)
from support import mounts
from support.replies import picture
from support.tools import obey_permissions, on_linux
from support.wire_server import Send, Steps, Wait

# /dev/full, /proc and capabilities.
pytestmark = on_linux

# A reply that waits until the test has done its harm.
_HELD = Steps(Wait(gate=True), Send(GOOD.head() + REPLY))
# What goes to stdout alone, and needs no disk.
_PRINTED = ("stdout", "stdout-json", "caption", "captions", "caption-json")
_WRITTEN = tuple(form for form in FORMS if form not in _PRINTED)
# Those with `-o`, which another one replaces.
_NAMED = tuple(form for form in _WRITTEN if form not in (*CAPTION, *BATCH))
_FINE: dict[str, Any] = {"exit": 0, "charged": "", "calls": 1, "kept": False, "says": ""}
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
        bench.own()
        bench.server.gate.set()
        return True

    return during


def _break(bench: Bench) -> None:
    (bench.folder / "once").touch()


def _refused(name: str, *argv: str, says: str = "", exit_: int = 6, **more: Any) -> Scenario:
    """Refused before the call, where a file is to be written."""
    charged = "" if exit_ == 2 else "no"
    more = {"forms": _NAMED, **more}
    return Scenario(name, exit_, charged, calls=0, argv=argv, says=says, **more)


def _rescued(name: str, harm: Callable[[Bench], object] = _break, **more: Any) -> Scenario:
    """Paid for, and kept elsewhere; a text alone is told."""
    differs = {form: {"kept": False} for form in CAPTION} | dict.fromkeys(_PRINTED, _FINE)
    more = {"kept": True, **more, "differs": differs | more.get("differs", {})}
    return Scenario(name, 6, "yes", (_HELD,), during=_once_asked(harm), **more)


def _full(*names: str) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run in which folders are on disks that a page fills."""
    return lambda bench: {"preexec_fn": mounts.small(_folders(bench, names), size=4096)}


def _read_only(*names: str) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run in which folders cannot be written to, by nobody."""
    return lambda bench: {"preexec_fn": mounts.read_only(_folders(bench, names))}


def _folders(bench: Bench, names: tuple[str, ...]) -> list[Path]:
    paths = [bench.folder / name for name in names]
    for path in paths:
        path.mkdir(exist_ok=True)
    return paths


def _unprivileged(_: Bench) -> dict[str, Any]:
    return {"preexec_fn": obey_permissions}


def _made(bench: Bench, name: str = "out", mode: int = 0o755) -> None:
    (bench.work / name).mkdir()
    (bench.work / name).chmod(mode)


def _replaced(bench: Bench) -> None:
    shutil.rmtree(bench.work / "out")
    (bench.work / "out").write_text("a file")


def _link(target: str) -> Callable[[Bench], object]:
    return lambda bench: bench.place.symlink_to(target)


def _linked_image(bench: Bench) -> None:
    (bench.work / "other.png").write_bytes(_OTHER)
    _link("other.png")(bench)


def _taken(bench: Bench) -> None:
    bench.place.write_bytes(b"typed\n" if bench.place.suffix == ".txt" else _OTHER)


def _full_stdout(_: Bench) -> dict[str, Any]:
    return {"stdout": os.open("/dev/full", os.O_WRONLY)}


def _closed_stdout(_: Bench) -> dict[str, Any]:
    reader, writer = os.pipe()
    os.close(reader)
    return {"stdout": writer}


_OUT: Any = {
    "argv": ("-o", "out/fox.png"),
    "forms": (*_NAMED, *BATCH),
    "differs": {
        "folder": {"argv": ("-o", "out/")},
        "webp": {"argv": ("-o", "out/fox.webp")},
        **{form: {"argv": ("-o", "out")} for form in BATCH},
    },
}
# Crops and WebP are smaller than a page.
_LARGE: Any = {
    **_OUT,
    "forms": tuple(form for form in _OUT["forms"] if form not in ("fit", "webp")),
}
# Those whose first file is new, and has a name of the user's.
_BOTH: Any = {"forms": (*_NAMED, *BATCH)}
_SECOND = tuple(
    f"{stem}{end}"
    for stem in ("fox", "fox-1", "fox-2", "fox-64x64", "fox-96x48", "a-red-fox", "in")
    for end in (".png", ".webp", ".alt.txt", "-2.png", "-2.webp", "-2.alt.txt", "-2.chat.json")
)
_NEW = tuple(form for form in _WRITTEN if form not in ("folder", "embed"))
_IMAGES = tuple(form for form in _NEW if form not in ("beside", *BATCH))
# An image that nothing but stdout takes is kept.
_SHOWN = {form: {"kept": True} for form in ("stdout", "stdout-json")}
# One image under the name of `-o`.
_ONE = ("file", "json", "alt", "all", "chat", "stdin", "verbose", "draw")

ROWS = (
    Row(
        "before",
        "the disk is full, its quota used up, read-only or broken, before the call",
        "noticed before the call, which is not made",
        tuple(
            _refused(
                name,
                options=injected(at_once=True, open=number),
                forms=tuple(FORMS),
                differs=dict.fromkeys(_PRINTED, _FINE),
            )
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
            _rescued(
                "naming",
                options=injected(link=errno.ENOSPC),
                forms=tuple(form for form in FORMS if form != "embed"),
            ),
            _rescued("syncing", options=injected(fsync=errno.EIO)),
            _rescued(
                "a text of a batch",
                options=injected(write=errno.ENOSPC),
                argv=("--alt",),
                says=f"the text was: {TEXT}",
                forms=BATCH,
            ),
            _rescued(
                "replacing",
                options=injected(replace=errno.EROFS),
                argv=("--force",),
                kept=False,
                leaves=("a-red-fox.png", "a-red-fox.webp"),
                forms=("file", "json", "webp", "alt", "all", "draw"),
            ),
        ),
    ),
    Row(
        "no-state",
        "neither the folder nor the state folder takes the image",
        "it is rescued to a new folder (0700) among the temporary ones, and its path told",
        (
            *(
                _rescued(name, options=options, has_state=False)
                for name, options in {
                    "full": injected(at_home=True, write=errno.ENOSPC),
                    "read-only": injected(at_home=True, open=errno.EROFS),
                }.items()
            ),
        ),
    ),
    Row(
        "real",
        "a real file system is full or read-only, also that of the home",
        "as with the errors that are put in the system's place for the rows above",
        (
            _rescued("full", options=_full("work/out"), **_LARGE),
            _rescued(
                "full, as the home",
                options=_full("work/out", "home"),
                has_state=False,
                **_LARGE,
            ),
            Scenario(
                "read-only",
                6,
                "no",
                calls=0,
                says="read-only",
                options=_read_only("work/out"),
                **_OUT,
            ),
            Scenario("a full home", 0, options=_full("home")),
            Scenario("a read-only home", 0, options=_read_only("home")),
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
            Scenario(
                "before",
                6,
                "no",
                calls=0,
                says="permission denied",
                prepare=lambda bench: _made(bench, mode=0o500),
                options=_unprivileged,
                **_OUT,
            ),
            _rescued(
                "since",
                lambda bench: (bench.work / "out").chmod(0o500),
                prepare=_made,
                options=_unprivileged,
                **_OUT,
            ),
            _refused(
                "here, before",
                says="permission denied",
                prepare=lambda bench: bench.work.chmod(0o500),
                options=_unprivileged,
                forms=tuple(FORMS),
                differs=dict.fromkeys(_PRINTED, _FINE),
            ),
            _rescued("here, since", lambda bench: bench.work.chmod(0o500), options=_unprivileged),
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
                prepare=_made,
                # With the original, the folder is made anew.
                **{**_OUT, "forms": tuple(form for form in _NAMED if form != "transparent")},
            ),
            Scenario(
                "removed, of a batch, which makes it anew",
                0,
                script=(_HELD,),
                during=_once_asked(lambda bench: shutil.rmtree(bench.work / "out")),
                prepare=_made,
                argv=("-o", "out"),
                places=("out/a-red-fox.png",),
                forms=BATCH,
            ),
            _rescued("a file", _replaced, prepare=_made, leaves=("out",), **_OUT),
            _rescued(
                "the current folder",
                lambda bench: shutil.rmtree(bench.work),
                always=("file", "alt", "embed", "batch"),
            ),
        ),
    ),
    Row(
        "path",
        "the path leads through a file, is missing, a device, a loop, or has too long a name",
        "refused before the call",
        (
            _refused("through a file", "-o", "in.png/fox.png", says="not a folder", **_BOTH),
            _refused("missing", "-o", "no/fox.png", says="no such folder"),
            _refused("a device", "-o", "/dev/full.png/x.png", **_BOTH),
            _refused("too long", "-o", f"{'x' * 300}.png", says="the name is too long", **_BOTH),
            _refused("too deep", "-o", f"{'x/' * 3000}fox.png", **_BOTH),
            _refused("a loop", "--force", prepare=_link("fox.png"), forms=_ONE),
            _refused("of another format", "-o", "fox.tiff", exit_=2),
            _refused("without a name", "-o", ".png", exit_=2),
        ),
    ),
    Row(
        "link",
        "the output is a link, dangling or to elsewhere",
        "left alone; `--force` replaces the file behind it, and keeps the link",
        (
            _refused(
                "dangling",
                prepare=_link("none.png"),
                exit_=12,
                forms=_NEW,
                # A text that is there is read.
                differs={"beside": {"exit": 2, "charged": ""}},
            ),
            _refused(
                "elsewhere",
                prepare=_linked_image,
                exit_=12,
                forms=_NEW,
                differs={"beside": {"exit": 6, "says": "not UTF-8"}},
            ),
            _refused(
                "to nowhere", "--force", prepare=_link("no/none.png"), forms=(*_IMAGES, *BATCH)
            ),
            Scenario(
                "elsewhere, replaced",
                0,
                argv=("--force",),
                prepare=_linked_image,
                leaves=("other.png",),
                forms=(*_IMAGES, *BATCH),
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
                leaves=_SECOND,
                says="was saved as",
                forms=_NEW,
                always=("file", "beside"),
                differs={
                    "beside": {
                        **_FINE,
                        "says": "so the text is in in.alt-2.txt",
                        "places": ("in.alt-2.txt",),
                    },
                    **{form: {"exit": 3} for form in BATCH},
                },
            )
            for name, harm in {
                "a file": _taken,
                "a link": _link("none.png"),
                "a folder": lambda bench: bench.place.mkdir(),
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
                forms=_ONE,
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
            Scenario("full", 6, "yes", options=_full_stdout, made=True, differs=_SHOWN),
            Scenario("gone", 141, options=_closed_stdout, made=True, differs=_SHOWN),
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
        assert other.read_bytes() in (_OTHER, IMAGE) or form == "transparent"
