from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.tools import on_linux

from nanobanana_cli import files, system
from nanobanana_cli.errors import LocalFileError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


def test_a_good_folder_passes_and_stays_empty(folder: Path) -> None:
    files.check_folder(folder)
    files.check_output(folder / "fox.png")
    assert list(folder.iterdir()) == []


def test_a_missing_folder_comes_with_a_hint(folder: Path) -> None:
    with pytest.raises(LocalFileError, match="my images: no such folder") as caught:
        files.check_folder(folder / "my images")
    assert caught.value.hint == f"create it first: mkdir -p '{folder}/my images'"


@pytest.mark.parametrize("check", [files.check_folder, lambda f: files.check_output(f / "fox.png")])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file", "part of the path is not a folder"),
        ("dangling", "no such file or folder"),
        ("file/below", "part of the path is not a folder"),
        pytest.param("/proc", "cannot be written", marks=on_linux),
    ],
)
def test_folders_that_cannot_be_written_to(
    check: Callable[[Path], None], name: str, reason: str, folder: Path
) -> None:
    (folder / "file").write_bytes(b"")
    (folder / "dangling").symlink_to("nowhere")
    with pytest.raises(LocalFileError, match=reason):
        check(folder / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * 300, "the name is too long"),
        ("folder", "it is a folder"),
        ("pipe", "it is a device or a pipe"),
        ("link", "no such folder"),
        ("nul\0", "contains a character that is not allowed"),
    ],
)
def test_outputs_that_cannot_be_written(name: str, reason: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("missing/fox.png")
    with pytest.raises(LocalFileError, match=reason):
        files.check_output(folder / name)


def test_read(folder: Path) -> None:
    path = folder / "fox.png"
    path.write_bytes(b"fox")
    assert files.read(path, "reference image") == b"fox"
    assert files.read(path, "reference image", limit=3) == b"fox"
    with pytest.raises(UsageError, match="larger than 2 bytes"):
        files.read(path, "reference image", limit=2)
    with pytest.raises(UsageError, match="larger than"):
        files.read(Path("/dev/zero"), "reference image", limit=1000)


@pytest.mark.parametrize("size", [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, (8 << 20) + 2])
@pytest.mark.parametrize("limit", [8 << 20, (8 << 20) + 1, 100_000_000])
def test_read_takes_a_pipe_of_any_size(size: int, limit: int) -> None:
    found = system.read_stream(io.BytesIO(bytes(size)), limit)
    assert len(found) == min(size, limit + 1)


def test_read_takes_a_pipe_to_its_end() -> None:
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(files.read, Path(f"/dev/fd/{reader}"), "reference image")
        for _ in range(3):
            os.write(writer, b"fox" * 10_000)
        os.close(writer)
        assert result.result(10) == b"fox" * 30_000
    os.close(reader)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.png", "no such file or folder"),
        ("folder", "it is a folder"),
        ("file/fox.png", "part of the path is not a folder"),
        ("circle", "its symbolic links form a loop"),
        ("x" * 300, "the name is too long"),
        ("nul\0.png", "contains a character that is not allowed"),
    ],
)
def test_read_names_what_is_wrong(name: str, reason: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "file").write_bytes(b"")
    (folder / "circle").symlink_to("circle")
    with pytest.raises(UsageError, match=rf"^reference image .*: .*{reason}$"):
        files.read(folder / name, "reference image")


@on_linux
def test_a_failing_device_is_nobodys_mistake() -> None:
    # Address 0 of a process cannot be read, not even by root.
    with pytest.raises(LocalFileError, match="the device reported an error"):
        files.read(Path("/proc/self/mem"), "prompt file")
