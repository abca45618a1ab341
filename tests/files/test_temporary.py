"""Leftovers of killed runs are found, and nothing else is taken for one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import python

from nanobanana_cli import files, system
from nanobanana_cli.files import temporary

# Writes a file, and has not named it yet.
_WRITER = (
    "import sys, time; from pathlib import Path; from nanobanana_cli.files import temporary\n"
    "with temporary.sibling(Path(), b'fox', 0o640) as path: print(path, flush=True); time.sleep(60)"
)


@contextmanager
def _writer() -> Iterator[str]:
    with python.start(_WRITER, stdout=-1) as process:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.kill()


def _names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_file_of_a_live_process_is_none() -> None:
    with _writer() as name:
        assert [*files.leftovers(Path())] == []
        assert _names() == [name]


def test_nor_one_of_this_process() -> None:
    with temporary.sibling(Path(), b"fox", 0o640) as path:
        assert [*files.leftovers(Path())] == []
        assert path.read_bytes() == b"fox"
    assert _names() == []


def test_that_of_a_killed_one_is_found_and_removed() -> None:
    with _writer() as name:
        pass
    assert _names() == [name]

    assert [(str(path), path.read_bytes()) for path in files.leftovers(Path())] == [(name, b"fox")]
    assert _names() == []


def test_the_caller_may_move_it_or_stop() -> None:
    names = ".nb-0123456789abcdef.tmp", ".nb-0123456789abcdee.tmp"
    for name in names:
        Path(name).write_bytes(b"fox")

    next(files.leftovers(Path()))
    assert _names() == sorted(names)

    for number, path in enumerate(files.leftovers(Path())):
        path.rename(f"{number}.png")
    assert _names() == ["0.png", "1.png"]


def test_one_that_has_its_final_name_is_removed_unseen() -> None:
    Path(".nb-0123456789abcdef.tmp").write_bytes(b"fox")
    os.link(".nb-0123456789abcdef.tmp", "fox.png")

    assert [*files.leftovers(Path())] == []
    assert _names() == ["fox.png"]


def test_files_of_the_user_stay() -> None:
    Path("folder").mkdir()
    Path("fox.png").write_bytes(b"fox")
    for name in (".nb-1.tmp", ".nb-0123456789ABCDEF.tmp", ".nb-0123456789abcdef.tmp.png"):
        Path(name).write_bytes(b"mine")
    Path(".nb-0123456789abcde0.tmp").symlink_to("fox.png")
    Path(".nb-0123456789abcde1.tmp").mkdir()
    os.mkfifo(".nb-0123456789abcde2.tmp")
    before = _names()

    assert [*files.leftovers(Path())] == []
    assert _names() == before
    assert [*files.leftovers(Path("fox.png"))] == [*files.leftovers(Path("missing"))] == []


def test_without_locks_age_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, __: int) -> None:
        raise OSError("as some network mounts do")

    monkeypatch.setattr("fcntl.flock", refuse)
    files.create(Path("fox.png"), b"fox")
    path = Path(".nb-0123456789abcdef.tmp")
    path.write_bytes(b"fox")

    assert [*files.leftovers(Path())] == []
    os.utime(path, times=(time.time() - 4000,) * 2)
    assert [*files.leftovers(Path())] == [path]
    assert _names() == ["fox.png"]


def test_a_file_that_is_taken_for_a_leftover_at_its_birth_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sweep(folder: Path) -> None:
        for path in folder.iterdir():
            path.unlink()

    create, births = os.open, []

    def born(path: Path, flags: int, mode: int) -> int:
        descriptor = create(path, flags, mode)
        births.append(path)
        if len(births) == 1:
            sweep(Path())
        return descriptor

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", born)
        with temporary.sibling(Path(), b"fox", 0o640) as path:
            assert path.read_bytes() == b"fox"
    assert len(births) == 2


def test_sweeping_takes_nothing_from_processes_that_write() -> None:
    code = (
        "import sys; from pathlib import Path; from nanobanana_cli import files\n"
        "for n in range(300): files.create(Path(f'{sys.argv[1]}-{n}.png'), b'fox')"
    )
    processes = [python.start(code, Path(str(n))) for n in range(2)]
    while any(process.poll() is None for process in processes):
        assert [*files.leftovers(Path())] == []

    assert [process.returncode for process in processes] == [0, 0]
    assert len(_names()) == 600


def test_a_lock_is_held_by_one() -> None:
    with Path("lock").open("wb") as one, Path("lock").open("wb") as other:
        assert system.lock_file(one.fileno())
        assert not system.lock_file(other.fileno())
        one.close()
        assert system.lock_file(other.fileno())
