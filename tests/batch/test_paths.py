"""Where images may go."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from conftest import Nb, Run
from hypothesis import given
from hypothesis import strategies as st
from support import python
from support.counting_server import CountingServer

from nanobanana_cli.batch import paths as batch_paths


def plan(nb: Nb, *rows: dict[str, object]) -> Run:
    Path("images.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return nb("batch", "images.jsonl", "--dry-run", "--json")


def paths(run: Run) -> list[str]:
    assert run.code == 0, run.err
    return [json.loads(line)["path"] for line in run.out.splitlines()]


NFC, NFD = unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("fox.png", "fox.png"),
        ("fox.png", "Fox.PNG"),
        ("fox.png", "./a/../fox.png"),
        (NFC, NFD),
        ("straße.png", "STRASSE.png"),
        ("a/b", "a/B"),
    ],
)
def test_two_rows_to_one_path(nb: Nb, first: str, second: str) -> None:
    run = plan(nb, {"prompt": "a", "output": first}, {"prompt": "b", "output": second})
    assert run.code == 2
    assert "images.jsonl:2: output: " in run.err
    assert "row 1" in run.err


def test_a_file_is_no_folder(nb: Nb) -> None:
    run = plan(nb, {"prompt": "a", "output": "x.png"}, {"prompt": "b", "output": "X.png/y/b.png"})
    assert run.code == 2
    assert "is inside x.png, which is another row's file" in run.err


def test_count_may_meet_another_row(nb: Nb) -> None:
    run = plan(
        nb, {"prompt": "a", "output": "x-2.png"}, {"prompt": "b", "output": "x.png", "count": 2}
    )
    assert run.code == 2


@pytest.mark.parametrize(
    "output",
    [
        "../x.png",
        "a/../../x.png",
        "/x.png",
        "",
        "a\0.png",
        "a\nb.png",
        "a\u202eb",
        "x" * 300,
        "..",
        "a/..",
    ],
)
def test_impossible(nb: Nb, output: str) -> None:
    run = plan(nb, {"prompt": "a", "output": output})
    assert run.code == 2
    assert "images.jsonl:1: output: " in run.err


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("~/x.png", "begins with ~; write a path below the output folder"),
        ("~ann/x.png", "begins with ~; write a path below the output folder"),
        ("https://example.com/x.png", "is an address; write a path below the output folder"),
        ("a\\x.png", "contains a backslash; write / between folders"),
        ("C:/x.png", "has ':', which no name has on Windows"),
        ("what?.png", "has '?', which no name has on Windows"),
        ("a./x.png", "has the name 'a.', but on Windows none ends in a dot or space"),
        ("nul.png", "has the name nul.png, which is a device on Windows"),
        ("CON/", "has the name CON, which is a device on Windows"),
    ],
)
@pytest.mark.parametrize("key", ["output", "alt_file"])
def test_names_of_other_systems(nb: Nb, output: str, message: str, key: str) -> None:
    row = {"prompt": "a", key: output}
    if output.endswith("/") and key == "alt_file":
        message = "is not a file name"
    with CountingServer() as server:
        Path("images.jsonl").write_text(json.dumps(row))
        run = nb("batch", "images.jsonl", env=server.env)
        assert not server.calls
    assert run.code == 2
    assert run.err.startswith(f"images.jsonl:1: {key}: {output!r} {message}\n")
    assert not list(Path().glob("*~*"))


def test_a_locale_that_cannot_write_a_name_pays_for_nothing() -> None:
    rows = [{"prompt": "a", "output": "東京.png"}, {"prompt": "東京"}]
    script = "import sys; from nanobanana_cli.__main__ import main; sys.exit(main())"
    with CountingServer() as server:
        for code, calls, lines in ((2, 0, rows), (0, 1, rows[1:])):
            Path("m.jsonl").write_text("\n".join(map(json.dumps, lines)))
            argv: dict[str, Any] = {"env": {**server.env, **python.ASCII}, "stderr": PIPE}
            with python.start(script, "batch", "m.jsonl", **argv) as process:
                _, err = process.communicate(timeout=60)
            assert (process.returncode, server.calls.total()) == (code, calls), err
            assert (b"which this locale cannot write: ascii" in err) is (code == 2)
    assert Path("image.png").exists()


@pytest.mark.parametrize(
    "output",
    ["東京\u3000タワー.png", "👨\u200d👩\u200d👧.png", "a\u00a0b.png", "क्\u200dष.png"],
)
def test_names_of_any_language(nb: Nb, output: str) -> None:
    assert paths(plan(nb, {"prompt": "a", "output": output})) == [output]


def test_links_that_lead_out(nb: Nb, tmp_path: Path) -> None:
    Path("out").symlink_to(tmp_path)
    Path("x.png").symlink_to(tmp_path / "elsewhere.png")
    Path("inside").mkdir()
    Path("in").symlink_to("inside")
    run = plan(nb, {"prompt": "a", "output": "out/x.png"}, {"prompt": "b", "output": "x.png"})
    assert run.code == 2
    assert "out/x.png leaves the output folder through a link" in run.err
    assert "x.png is a link that leaves the output folder" in run.err
    assert plan(nb, {"prompt": "a", "output": "in/x.png"}).code == 0


def test_folders(nb: Nb) -> None:
    Path("there").mkdir()
    assert paths(plan(nb, {"prompt": "A fox!", "output": "new/"})) == ["new/a-fox.*"]
    run = plan(nb, {"prompt": "a", "output": "there"})
    assert run.code == 2
    assert "there is a folder; write there/" in run.err


@pytest.mark.parametrize("twins", ["Fox.png FOX.png", "fox.PNG", "FOX.PNG foX.png"])
def test_a_link_does_not_hide_behind_another_case(nb: Nb, twins: str) -> None:
    Path("fox.png").symlink_to("../outside/x.png")
    for twin in twins.split():
        Path(twin).write_bytes(b"")
    run = plan(nb, {"prompt": "a", "output": "fox.png"})
    assert run.code == 2
    assert "fox.png is a link that leaves the output folder" in run.err


@pytest.mark.parametrize("output", ["x.png", "link.png"])
def test_a_pipe_is_refused_before_it_blocks(nb: Nb, output: str) -> None:
    os.mkfifo("x.png")
    Path("link.png").symlink_to("x.png")
    run = plan(nb, {"prompt": "a", "output": output})
    assert run.code == 2
    assert f"{output} is a pipe or device, not a regular file" in run.err


def test_names_from_prompts_that_meet_keep_apart_and_stay(nb: Nb) -> None:
    rows: list[dict[str, object]] = [
        {"prompt": "a fox!"},
        {"prompt": "a fox?"},
        {"prompt": "an owl"},
    ]
    first = paths(plan(nb, *rows))
    assert first[2] == "an-owl.*"
    assert len(set(first)) == 3
    assert paths(plan(nb, *reversed(rows))) == first[::-1]


def test_a_name_from_a_prompt_makes_room_for_a_named_file(nb: Nb) -> None:
    found = paths(plan(nb, {"prompt": "a fox"}, {"prompt": "b", "output": "a-fox.png"}))
    assert found[1] == "a-fox.png"
    assert found[0].startswith("a-fox-")


def test_the_same_twice_is_an_error(nb: Nb) -> None:
    assert plan(nb, {"prompt": "a fox"}, {"prompt": "a fox"}).code == 2


@given(st.text(max_size=40))
def test_normal_paths_stay_below(output: str) -> None:
    try:
        path = batch_paths.normalized(output or ".")
    except batch_paths.InvalidPath:
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert batch_paths.normalized(path or ".") == path
