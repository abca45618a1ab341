"""Alt text that comes with the images of a batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.counting_server import CountingServer


@pytest.fixture
def server() -> Any:
    with CountingServer() as server:
        yield server


def batch(nb: Nb, server: CountingServer, *options: str, rows: list[dict[str, Any]]) -> Run:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return nb("batch", "m.jsonl", *options, env=server.env)


def test_it_is_written_beside_each_image(nb: Nb, server: CountingServer) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "fox", "output": "a/fox.png", "alt": True},
        {"prompt": "owl", "alt_file": "texts.txt"},
        {"prompt": "elk", "output": "elk.png"},
    ]
    run = batch(nb, server, "--json", rows=rows)
    assert run.code == 0, run.err
    assert Path("a/fox.alt.txt").read_text() == "Seen: fox.\n"
    assert Path("texts.txt").read_text() == "Seen: owl.\n"
    assert not Path("elk.alt.txt").exists()
    lines = {line["prompt"]: line for line in map(json.loads, run.out.splitlines())}
    assert (lines["fox"]["alt"], lines["fox"]["alt_path"]) == ("Seen: fox.", "a/fox.alt.txt")
    assert batch(nb, server, rows=rows).code == 0
    assert server.calls.total() == 3


def test_its_folder_is_made_as_an_image_s_is(nb: Nb, server: CountingServer) -> None:
    run = batch(nb, server, rows=[{"prompt": "fox", "alt_file": "texts/de/fox.txt"}])
    assert run.code == 0, run.err
    assert Path("texts/de/fox.txt").read_text() == "Seen: fox.\n"


def test_a_folder_that_cannot_be_made_is_told_first(nb: Nb, server: CountingServer) -> None:
    Path("texts").write_text("a file")
    run = batch(nb, server, rows=[{"prompt": "fox", "alt_file": "texts/fox.txt"}])
    assert (run.code, server.calls.total()) == (6, 0)
    assert run.err.startswith("nb: texts cannot be written: part of the path is not a folder\n")


def test_the_option_holds_for_rows_that_do_not_say(nb: Nb, server: CountingServer) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "fox", "output": "fox.png"},
        {"prompt": "elk", "output": "elk.png", "alt": False},
    ]
    run = batch(nb, server, "--alt", rows=rows)
    assert sorted(run.out.split()) == ["elk.png", "fox.alt.txt", "fox.png"]
    # The text is no part of what the image shows.
    assert batch(nb, server, rows=rows).code == 0
    assert server.calls == {"fox": 1, "elk": 1}


def test_a_remade_image_has_a_new_text(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, rows=[{"prompt": "fox", "output": "x.png", "alt": True}])
    run = batch(nb, server, rows=[{"prompt": "owl", "output": "x.png", "alt": True}])
    assert run.code == 0
    assert Path("x.alt.txt").read_text() == "Seen: owl.\n"


def test_a_text_of_somebody_else_stays(nb: Nb, server: CountingServer) -> None:
    Path("x.alt.txt").write_text("mine")
    run = batch(nb, server, rows=[{"prompt": "fox", "output": "x.png", "alt": True}])
    assert run.code == 0
    assert Path("x.alt.txt").read_text() == "mine"


def test_a_text_written_by_hand_stays_when_the_row_gets_one(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, rows=[{"prompt": "fox", "output": "x.png"}])
    Path("x.alt.txt").write_text("mine\n")
    rows = [{"prompt": "fox", "output": "x.png", "alt": True}]
    run = batch(nb, server, rows=rows)
    assert (run.code, run.out, server.calls.total()) == (0, "", 1)
    assert Path("x.alt.txt").read_text() == "mine\n"
    # And it stays when the image is made again.
    run = batch(nb, server, rows=[{**rows[0], "size": "2K"}])
    assert run.out.split() == ["x.png", "x.alt-2.txt"]
    assert Path("x.alt.txt").read_text() == "mine\n"
    assert Path("x.alt-2.txt").read_text() == "Seen: fox.\n"


@pytest.mark.parametrize("force", [False, True])
def test_a_mended_text_stays_unless_forced(nb: Nb, server: CountingServer, force: bool) -> None:
    batch(nb, server, rows=[{"prompt": "fox", "output": "x.png", "alt": True}])
    Path("x.alt.txt").write_text("Seen: fox. And mended.\n")
    rows = [{"prompt": "owl", "output": "x.png", "alt": True}]
    assert batch(nb, server, *["--force"][:force], rows=rows).code == 0
    text = "Seen: owl.\n" if force else "Seen: fox. And mended.\n"
    assert Path("x.alt.txt").read_text() == text


def test_an_image_without_its_text_stays_and_is_told(nb: Nb, server: CountingServer) -> None:
    rows = [{"prompt": "mute fox", "output": "x.png", "alt": True}]
    run = batch(nb, server, rows=rows)
    assert run.code == 3
    assert "the service sent no text" in run.err
    assert "nb caption x.png" in run.err
    assert Path("x.png").exists()
    assert not Path("x.alt.txt").exists()
    # The image is paid for, so the text is asked for alone; and only once, unless told to.
    for _ in range(2):
        run = batch(nb, server, rows=rows)
        assert (run.code, "hint: --retry refused makes 1 again" in run.err) == (3, True)
        assert server.calls == {"mute fox": 1, "text of mute fox": 1}
    assert batch(nb, server, "--retry", "refused", rows=rows).code == 3
    assert server.calls == {"mute fox": 1, "text of mute fox": 2}


@pytest.mark.parametrize("lost", [True, False])
def test_a_text_that_was_lost_by_a_kill_is_asked_for_alone(
    nb: Nb, server: CountingServer, lost: bool
) -> None:
    rows = [{"prompt": "fox", "output": "x.png", "alt": True}]
    batch(nb, server, rows=rows)
    ledger = Path("m.ledger.jsonl")
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:2]))
    if lost:
        Path("x.alt.txt").unlink()
    run = batch(nb, server, rows=rows)
    assert (run.code, server.calls["fox"], server.calls["text of fox"]) == (0, 1, lost)
    assert Path("x.alt.txt").read_text() == f"Seen: {'text of ' * lost}fox.\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [
                {"prompt": "a", "output": "x.png", "alt": True},
                {"prompt": "b", "output": "x.jpg", "alt": True},
            ],
            "images.jsonl:2: alt_file: x.alt.txt is also the output of row 1",
        ),
        (
            [
                {"prompt": "a", "output": "x.png", "alt": True},
                {"prompt": "b", "output": "y.png", "alt_file": "X.alt.txt", "aspect": "1:5"},
            ],
            "images.jsonl:2: alt_file: X.alt.txt and x.alt.txt of row 1 are the same file",
        ),
        (
            [{"prompt": "a", "alt_file": "../x.txt"}],
            "alt_file: '../x.txt' leaves the output folder",
        ),
        ([{"prompt": "a", "alt_file": "x/"}], "alt_file: 'x/' is not a file name"),
        ([{"prompt": "a", "alt_file": "./images.jsonl"}], "images.jsonl is the manifest, its"),
        ([{"prompt": "a", "alt_file": "Images.ledger.jsonl"}], "is the manifest, its ledger or"),
        ([{"prompt": "a", "alt_file": "x.txt", "count": 2}], "alt_file: x.txt cannot hold 2 texts"),
        ([{"prompt": "a", "alt": "yes"}], "alt: must be true or false"),
    ],
)
def test_errors(nb: Nb, rows: list[dict[str, Any]], message: str) -> None:
    Path("images.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run = nb("batch", "images.jsonl", "--dry-run")
    assert run.code == 2
    assert message in run.err


def test_the_gallery_shows_what_stands_beside(nb: Nb, server: CountingServer) -> None:
    rows = [{"prompt": "fox", "output": "x.png", "alt": True}]
    batch(nb, server, "--gallery", "index.html", rows=rows)
    assert 'alt="Seen: fox."' in Path("index.html").read_text()
    Path("x.alt.txt").write_text("A fox, mended by hand.\n")
    batch(nb, server, "--gallery", "index.html", rows=rows)
    assert "A fox, mended by hand." in Path("index.html").read_text()


def test_the_sandbox_sends_texts(nb: Nb) -> None:
    Path("m.txt").write_text("a red fox")
    assert nb("batch", "m.txt", "--provider", "sandbox", "--alt").code == 0
    assert Path("a-red-fox.alt.txt").read_text().strip()
