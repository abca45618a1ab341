from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import python

from nanobanana_cli import files
from nanobanana_cli.errors import Charged, LocalFileError, OutputExists

Write = Callable[[Path, bytes], None]
_WRITES: list[Write] = [files.create, files.replace, files.write_private]


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.mark.parametrize("write", _WRITES)
@pytest.mark.parametrize("data", [b"", b"fox", bytes(5_000_000)])
def test_a_file_is_written_and_nothing_else(write: Write, data: bytes, folder: Path) -> None:
    write(folder / "fox.png", data)

    assert (folder / "fox.png").read_bytes() == data
    assert _names(folder) == ["fox.png"]


@pytest.mark.parametrize("write", _WRITES)
def test_a_relative_path(write: Write) -> None:
    write(Path("fox.png"), b"fox")
    assert Path("fox.png").read_bytes() == b"fox"


@pytest.mark.parametrize(("mask", "mode"), [(0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_images_get_the_umasks_mode(mask: int, mode: int, folder: Path) -> None:
    with _umask(mask):
        files.create(folder / "a.png", b"fox")
        files.replace(folder / "b.png", b"fox")
        path = files.create_unique(folder, "c", ".png", b"fox")

    assert [_mode(folder / "a.png"), _mode(folder / "b.png"), _mode(path)] == [mode] * 3


def test_create_leaves_what_is_there(folder: Path) -> None:
    path = folder / "fox.png"
    path.write_bytes(b"old")

    with pytest.raises(OutputExists, match=r"fox\.png exists already") as caught:
        files.create(path, b"new")

    assert caught.value.charged is Charged.NO
    assert path.read_bytes() == b"old"
    assert _names(folder) == ["fox.png"]


def test_a_link_that_leads_nowhere_is_taken(folder: Path) -> None:
    link = folder / "fox.png"
    link.symlink_to("nowhere.png")

    assert files.taken(link)
    with pytest.raises(OutputExists):
        files.create(link, b"fox")
    assert files.create_unique(folder, "fox", ".png", b"fox").name == "fox-2.png"
    assert not files.taken(folder / "nowhere.png")


def test_replace_keeps_the_mode(folder: Path) -> None:
    path = folder / "fox.png"
    path.write_bytes(b"old")
    path.chmod(0o640)

    with _umask(0o077):
        files.replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert _mode(path) == 0o640


@pytest.mark.parametrize("write", [files.replace, files.write_private])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(write: Write, there: bool, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if there:
        (elsewhere / "real.png").write_bytes(b"old")
    (folder / "second.png").symlink_to(elsewhere / "real.png")
    (folder / "fox.png").symlink_to("second.png")

    write(folder / "fox.png", b"new")

    assert (folder / "fox.png").is_symlink()
    assert (elsewhere / "real.png").read_bytes() == b"new"
    assert _names(elsewhere) == ["real.png"]


def test_replace_never_shows_half_a_file(folder: Path) -> None:
    path = folder / "fox.png"
    versions = [bytes([n]) * 300_000 for n in range(4)]
    files.replace(path, versions[0])

    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(files.replace, path, versions[n % 4]) for n in range(40)]
        while not all(each.done() for each in writes):
            assert path.read_bytes() in versions
    for each in writes:
        each.result()
    assert _names(folder) == ["fox.png"]


def test_names_without_collision(folder: Path) -> None:
    (folder / "fox-2.png").mkdir()
    paths = [files.create_unique(folder, "fox", ".png", b"%d" % n) for n in range(3)]

    assert [path.name for path in paths] == ["fox.png", "fox-3.png", "fox-4.png"]
    assert [path.read_bytes() for path in paths] == [b"0", b"1", b"2"]


def test_many_threads_get_a_name_each(folder: Path) -> None:
    contents = [b"%d" % n for n in range(200)]
    with ThreadPoolExecutor(32) as pool:
        paths = list(
            pool.map(lambda data: files.create_unique(folder, "fox", ".png", data), contents)
        )

    assert [path.read_bytes() for path in paths] == contents
    assert set(_names(folder)) == {"fox.png", *(f"fox-{n}.png" for n in range(2, 201))}


def test_many_processes_get_a_name_each(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nanobanana_cli import files\n"
        "for n in range(25): files.create_unique(Path(sys.argv[1]), 'fox', '.png', b'fox')"
    )
    processes = [python.start(code, folder) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4

    assert len(_names(folder)) == 100
    assert all((folder / name).read_bytes() == b"fox" for name in _names(folder))


def test_only_one_of_many_creates_a_name(folder: Path) -> None:
    def attempt(n: int) -> int | None:
        try:
            files.create(folder / "fox.png", b"%d" % n)
        except OutputExists:
            return None
        return n

    with ThreadPoolExecutor(16) as pool:
        winners = [n for n in pool.map(attempt, range(50)) if n is not None]

    assert len(winners) == 1
    assert (folder / "fox.png").read_bytes() == b"%d" % winners[0]


def test_without_hard_links_names_are_still_taken_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "as FAT does")

    monkeypatch.setattr(os, "link", refuse)

    with ThreadPoolExecutor(8) as pool:
        contents = [b"%d" % n for n in range(40)]
        paths = list(
            pool.map(lambda data: files.create_unique(folder, "fox", ".png", data), contents)
        )
    assert [path.read_bytes() for path in paths] == contents
    with pytest.raises(OutputExists):
        files.create(paths[0], b"new")
    assert len(_names(folder)) == 40


def test_without_hard_links_a_failure_gives_the_name_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "as FAT does")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "replace", refuse)

    with pytest.raises(LocalFileError, match="permission denied"):
        files.create(folder / "fox.png", b"fox")
    assert _names(folder) == []


def test_private_files_are_private_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "home" / "a" / "b" / "config.toml"
    with _umask(0):
        files.write_private(path, b"secret")

    assert _mode(path) == 0o600
    assert [_mode(each) for each in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert _mode(tmp_path) != 0o600


def test_a_private_file_becomes_so_again(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_bytes(b"old")
    path.chmod(0o644)
    folder.chmod(0o755)

    files.write_private(path, b"secret")

    assert _mode(path) == 0o600
    assert _mode(folder) == 0o755


@contextmanager
def _full_disk() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("write", _WRITES)
def test_a_full_disk_leaves_nothing(write: Write, folder: Path) -> None:
    with _full_disk(), pytest.raises(LocalFileError, match="too large for this file system"):
        write(folder / "fox.png", bytes(1_000_000))
    assert _names(folder) == []


@pytest.mark.parametrize("write", [files.replace, files.write_private])
def test_a_full_disk_keeps_what_was_there(write: Write, folder: Path) -> None:
    (folder / "fox.png").write_bytes(b"old")
    with _full_disk(), pytest.raises(LocalFileError, match=r"fox\.png cannot be written"):
        write(folder / "fox.png", bytes(1_000_000))
    assert (folder / "fox.png").read_bytes() == b"old"
    assert _names(folder) == ["fox.png"]


@pytest.mark.parametrize("write", _WRITES)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * 300, "the name is too long"),
        ("file/fox.png", "part of the path is not a folder"),
        ("nul\0.png", "contains a character that is not allowed"),
        ("half\ud800.png", "contains a character that is not allowed"),
    ],
)
def test_impossible_paths(write: Write, name: str, reason: str, folder: Path) -> None:
    (folder / "file").write_bytes(b"")
    with pytest.raises(LocalFileError, match=reason):
        write(folder / name, b"fox")
    assert _names(folder) == ["file"]


@pytest.mark.parametrize("write", [files.create, files.replace])
def test_a_missing_folder(write: Write, folder: Path) -> None:
    with pytest.raises(LocalFileError, match="no such file or folder"):
        write(folder / "missing" / "fox.png", b"fox")


@pytest.mark.parametrize("write", [files.replace, files.write_private])
def test_only_files_are_replaced(write: Write, folder: Path) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "circle").symlink_to("circle")
    for name, reason in (
        ("folder", "it is a folder"),
        ("pipe", "it is a device or a pipe"),
        ("circle", "its symbolic links form a loop"),
    ):
        with pytest.raises(LocalFileError, match=reason):
            write(folder / name, b"fox")
    with pytest.raises(LocalFileError, match="it is a device or a pipe"):
        write(Path("/dev/null"), b"fox")
    assert _names(folder) == ["circle", "folder", "pipe"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_nothing(
    interrupt: type[BaseException], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: int) -> None:
        assert len(_names(folder)) == 1
        raise interrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(interrupt):
        files.create(folder / "fox.png", b"fox")
    assert _names(folder) == []


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.05])
def test_a_killed_process_leaves_no_half_file(delay: float, folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nanobanana_cli import files\n"
        "print(flush=True)\n"
        "while True: files.create_unique(Path(sys.argv[1]), 'fox', '.png', bytes(3_000_000))"
    )
    with python.start(code, folder, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()

    named = [name for name in _names(folder) if not name.startswith(".")]
    assert all((folder / name).stat().st_size == 3_000_000 for name in named)


def test_the_names_in_a_folder_are_synced(folder: Path) -> None:
    files.sync_folder(folder)
    with pytest.raises(FileNotFoundError):
        files.sync_folder(folder / "missing")
