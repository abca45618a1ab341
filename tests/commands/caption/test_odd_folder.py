"""A folder of odd files: each gets its text inside, and other programs judge what came of it."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import NbProcess
from PIL import Image
from support.odd_images import TITLE, embeddable, others
from support.texts import against, told
from support.tools import require
from support.wire_server import WireServer

from nanobanana_cli.images.formats import verify

ALT = 'A "fox" & <co> — Füchse 🦊'


class Folder:
    """The files before and after, and what the run said."""

    def __init__(self, path: Path) -> None:
        self.before, self.after = path / "before", path / "after"
        files, more = embeddable(), others()
        self.names, self.others = [*files], [*more]
        for folder in (self.before, self.after):
            folder.mkdir()
            for name, data in {**files, **more}.items():
                (folder / name).write_bytes(data)
        self.sent: list[dict[str, Any]] = []

    def embed(self) -> None:
        with WireServer(told(ALT)) as server:
            # The fixture that seals a test off is not there yet.
            home = {"HOME": str(self.after.parent), "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": ""}
            process = NbProcess().start(
                *("caption", "-r", ".", "--embed", "--no-color"),
                cwd=self.after,
                env={**home, **against(server)},
            )
            out, err = process.communicate(timeout=60)
            self.code, self.out, self.err = process.returncode, out.decode(), err.decode()
            self.sent = [json.loads(each.body) for each in server.requests]

    def of(self, *suffixes: str) -> list[str]:
        return [name for name in self.names if name.endswith(suffixes)]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Made and described once."""
    folder = Folder(tmp_path_factory.mktemp("odd"))
    folder.embed()
    return folder


def _judge(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[bytes]:
    program = require(str(command[0]))
    return subprocess.run([program, *command[1:]], cwd=folder, capture_output=True)


def _exiftool(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    options = ("-json", "-n", "-a", "-G1", "-all", "-validate", "-warning")
    run = _judge("exiftool", *options, *names, folder=folder)
    return {record["SourceFile"]: record for record in json.loads(run.stdout)}


def test_there_are_sixty_and_each_has_its_text(folder: Folder) -> None:
    assert len(folder.names) >= 60
    assert folder.code == 0, folder.err
    found = dict(line.split("\t") for line in folder.out.splitlines())
    assert found == dict.fromkeys(folder.names + folder.others, ALT)
    for name in folder.others:
        assert (folder.after / name).read_bytes() == (folder.before / name).read_bytes()
        assert (folder.after / name).with_suffix(".alt.txt").read_text() == f"{ALT}\n"
        assert f"the text of {name} is in" in folder.err


def test_exiftool_reads_it_and_warns_of_nothing_new(folder: Folder) -> None:
    before = _exiftool(folder.before, folder.names)
    after = _exiftool(folder.after, folder.names)
    ours = "XMP-iptcCore:AltTextAccessibility"
    own = {ours, "ExifTool:Warning", "ExifTool:Validate"}
    # The first is stored as a distance; the second says that there is XMP now.
    own |= {"MPImage2:MPImageStart", "RIFF:WebP_Flags"}
    for name in folder.names:
        old, new = before[name], after[name]
        assert new[ours] == ALT
        assert int(new["ExifTool:Validate"].split()[0]) <= int(old["ExifTool:Validate"].split()[0])
        if "xmp" in name or "gain map" in name:
            assert new["XMP-dc:Title"] == TITLE
        changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        assert not {key for key in changed - own if not key.startswith(("System:", "File:"))}, name


def test_exiv2_reads_it(folder: Folder) -> None:
    names = folder.of(".png", ".jpg", ".webp")
    run = _judge("exiv2", "-K", "Xmp.iptc.AltTextAccessibility", *names, folder=folder.after)
    found = [line for line in run.stdout.decode().splitlines() if line.endswith(f'" {ALT}')]
    assert [name for name in names if not any(line.startswith(name) for line in found)] == []


def test_pngcheck_finds_nothing_new(folder: Folder) -> None:
    for name in folder.of(".png"):
        old, new = (
            _judge("pngcheck", "-q", name, folder=each) for each in (folder.before, folder.after)
        )
        assert (new.returncode, new.stdout) == (old.returncode, old.stdout), name


def test_djpeg_decodes_the_same_pixels(folder: Folder) -> None:
    for name in folder.of(".jpg"):
        old, new = (_judge("djpeg", name, folder=each) for each in (folder.before, folder.after))
        assert (new.returncode, new.stdout, new.stderr) == (0, old.stdout, old.stderr), name


def test_webpinfo_finds_no_fault(folder: Folder) -> None:
    for name in folder.of(".webp"):
        run = _judge("webpinfo", "-diag", name, folder=folder.after)
        assert (run.returncode, b"No error detected." in run.stdout) == (0, True), name


def test_every_frame_is_the_same(folder: Folder) -> None:
    for name in folder.names:
        old, new = ((each / name).read_bytes() for each in (folder.before, folder.after))
        assert list(_frames(old)) == list(_frames(new)), name
        verify(new)


def _frames(data: bytes) -> Iterator[tuple[str, bytes]]:
    with Image.open(io.BytesIO(data)) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            yield image.mode, image.tobytes()
