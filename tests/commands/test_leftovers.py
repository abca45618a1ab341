"""What a killed run left unnamed in a folder is saved or removed by the next run there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from support import crash, pngs
from support.replies import made, picture
from support.tools import on_linux
from support.wire_server import WireServer

LEFTOVER = ".nb-0123456789abcdef.tmp"
IMAGE = picture(32, 16)
_KEY = {"WISDOM_GATE_KEY": "sk-very-secret-key-123"}
Command = Callable[[Nb], None]


def _generated(nb: Nb) -> None:
    with WireServer(made()) as server:
        run = nb("generate", "a fox", "-o", "fox.png", env={"NB_BASE_URL": server.url, **_KEY})
    assert run.code == 0
    assert run.out == "fox.png\n"


def _in_a_folder(nb: Nb) -> None:
    assert nb("generate", "a fox", "--provider", "sandbox").code == 0


def _extracted(nb: Nb) -> None:
    Path("r.json").write_bytes(made().body)
    assert nb("extract", "r.json", "-o", "fox.png").code == 0


def _of_a_batch(nb: Nb) -> None:
    Path("m.jsonl").write_text(json.dumps({"prompt": "a fox", "output": "fox.png"}))
    assert nb("batch", "m.jsonl", "--provider", "sandbox").code == 0


def _described(nb: Nb) -> None:
    Path("seen.png").write_bytes(picture())
    run = nb("caption", "seen.png", "--write", "--provider", "sandbox")
    assert run.code == 0


@pytest.mark.parametrize("command", [_generated, _in_a_folder, _extracted, _of_a_batch, _described])
def test_a_whole_image_gets_a_name(nb: Nb, command: Command) -> None:
    Path(LEFTOVER).write_bytes(IMAGE)
    command(nb)

    assert Path("recovered.png").read_bytes() == IMAGE
    assert not Path(LEFTOVER).exists()


@pytest.mark.parametrize("command", [_generated, _in_a_folder, _extracted, _of_a_batch, _described])
@pytest.mark.parametrize("data", [b"", IMAGE[:-1], b"A fox."])
def test_anything_else_goes(nb: Nb, command: Command, data: bytes) -> None:
    Path(LEFTOVER).write_bytes(data)
    command(nb)

    assert not Path(LEFTOVER).exists()
    assert not [*Path().glob("recovered*")]


def test_its_name_is_told(nb: Nb) -> None:
    Path("recovered.png").write_bytes(b"mine")
    Path(LEFTOVER).write_bytes(IMAGE)
    run = nb("generate", "a fox", "-o", "fox.png", "--provider", "sandbox")

    assert "note: recovered-2.png is an image that a killed run had not named yet\n" in run.err
    assert run.out == "fox.png\n"
    assert Path("recovered.png").read_bytes() == b"mine"


def test_the_folder_behind_a_link_is_searched(nb: Nb) -> None:
    Path("far").mkdir()
    Path("fox.png").symlink_to("far/fox.png")
    Path("far", LEFTOVER).write_bytes(IMAGE[:-1])
    assert nb("generate", "a fox", "-o", "fox.png", "--force", "--provider", "sandbox").code == 0
    assert [path.name for path in Path("far").iterdir()] == ["fox.png"]


@on_linux
def test_one_that_cannot_be_saved_costs_nothing_and_stays(nb_process: NbProcess) -> None:
    large = pngs.png(pngs.Shape(1024, 1024))
    Path(LEFTOVER).write_bytes(large)
    Path("r.json").write_bytes(made().body)
    most = 1_000_000

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    process = nb_process.start("extract", "r.json", preexec_fn=limit)
    with process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"r.png\n"), err.decode()
    assert Path(LEFTOVER).read_bytes() == large
    assert {path.name for path in Path().iterdir()} == {LEFTOVER, "r.json", "r.png"}


def test_so_are_the_folders_of_a_batch_and_of_its_gallery(nb: Nb) -> None:
    Path("m.jsonl").write_text(json.dumps({"prompt": "a fox", "output": "sub/fox.png"}))
    for folder in ("out", "out/sub", "pages"):
        Path(folder).mkdir()
        Path(folder, LEFTOVER).touch()
    options = ("-o", "out", "--gallery", "pages/index.html", "--provider", "sandbox")
    run = nb("batch", "m.jsonl", *options)
    assert run.code == 0, run.err
    assert not [*Path().rglob(LEFTOVER)]


@pytest.mark.parametrize("option", ["--dry-run", "--curl"])
def test_what_only_shows_a_request_changes_nothing(nb: Nb, option: str) -> None:
    Path(LEFTOVER).write_bytes(IMAGE)
    nb("generate", "a fox", "-o", "fox.png", option, env=_KEY)
    assert [path.name for path in Path().iterdir()] == [LEFTOVER]


def test_runs_killed_at_random_leave_nothing(nb_process: NbProcess) -> None:
    crash.killed_while_writing(nb_process, kills=9, seed=1)
