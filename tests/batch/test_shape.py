"""Rows that edit an image keep its shape, and rows made before that are not made again."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from support.replies import made, picture
from support.wire_server import WireServer

_COLORS = itertools.count()
KEY = {"WISDOM_GATE_KEY": "sk-very-secret-key-123"}


@pytest.fixture
def wide() -> None:
    Path("wide.png").write_bytes(picture(160, 90))


def _write(*rows: dict[str, Any]) -> None:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))


def _ratios(nb: Nb, *options: str, code: int = 0) -> list[str]:
    """The ratios that a run asks for."""
    color = f"#{next(_COLORS):06x}"
    with WireServer(made(picture(64, 64, color=color))) as server:
        run = nb("batch", "m.jsonl", *options, env={"NB_BASE_URL": server.url, **KEY})
        assert run.code == code, run.err
        bodies = [json.loads(request.body) for request in server.requests]
    return sorted(each["generationConfig"]["imageConfig"]["aspectRatio"] for each in bodies)


def _reasons(nb: Nb, *options: str) -> list[tuple[str, str | None]]:
    base = ("--base-url", "http://127.0.0.1:9")
    run = nb("batch", "m.jsonl", "--dry-run", "--json", *base, *options)
    assert run.code == 0, run.err
    return [(row["plan"], row["reason"]) for row in map(json.loads, run.out.splitlines())]


def _row(**more: Any) -> dict[str, Any]:
    return {"prompt": "night", "output": "x.png", "images": ["wide.png"], **more}


@pytest.mark.usefixtures("wide")
def test_a_row_follows_its_first_image(nb: Nb) -> None:
    _write(_row(), {"prompt": "fox", "output": "fox.png"}, _row(output="y.png", aspect="4:3"))
    assert _ratios(nb) == ["16:9", "1:1", "4:3"]
    assert _ratios(nb) == []


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("output", ["x.png", None])
def test_a_row_made_before_the_default_followed_images_stays(nb: Nb, output: str | None) -> None:
    # A row of 1:1 has the fingerprint that one without a ratio had.
    rows = [_row(output=output), {"prompt": "night", "output": output or None}]
    rows = [{key: value for key, value in row.items() if value} for row in rows][
        : 1 if output else 2
    ]
    _write(*({**row, "aspect": "1:1"} for row in rows))
    assert _ratios(nb) == ["1:1"] * len(rows)
    _write(*rows)
    assert _ratios(nb) == []
    assert _reasons(nb)[0] == (
        "unchanged",
        'was made as 1:1; aspect = "auto" in the row follows its image',
    )


@pytest.mark.usefixtures("wide")
def test_who_asks_for_the_ratio_of_the_image_gets_it(nb: Nb) -> None:
    _write(_row(aspect="1:1"))
    assert _ratios(nb) == ["1:1"]
    _write(_row())
    assert _ratios(nb, "--aspect", "auto") == ["16:9"]
    # However it is put, the request is the same now.
    for row in (_row(), _row(aspect="auto"), _row(aspect="16:9"), _row(aspect="landscape")):
        _write(row)
        assert _ratios(nb) == []
    _write(_row(aspect="1:1"))
    assert _reasons(nb) == [("changed", "aspect")]


@pytest.mark.usefixtures("wide")
def test_a_square_image_changes_nothing(nb: Nb) -> None:
    Path("wide.png").write_bytes(picture(90, 90))
    _write(_row(aspect="1:1"))
    assert _ratios(nb) == ["1:1"]
    _write(_row(aspect="auto"))
    assert _ratios(nb) == []
    assert _reasons(nb) == [("unchanged", None)]


@pytest.mark.usefixtures("wide")
def test_a_configured_ratio_wins_with_a_note(nb: Nb) -> None:
    _write(_row())
    Path("nb.toml").write_text('aspect = "4:3"')
    run = nb("batch", "m.jsonl", "--dry-run")
    assert "nb.toml holds for rows with reference images too: `--aspect auto`" in run.err
    assert _ratios(nb) == ["4:3"]


@pytest.mark.usefixtures("wide")
def test_the_line_of_a_row_has_its_notes(nb: Nb) -> None:
    Path("wide.png").write_bytes(picture(3000, 1000))
    _write(_row())
    with WireServer(made(picture(1584, 672))) as server:
        run = nb("batch", "m.jsonl", "--json", env={"NB_BASE_URL": server.url, **KEY})
    (line,) = map(json.loads, run.out.splitlines())
    assert line["aspect"] == "21:9"
    assert line["notes"][0].startswith("wide.png is 3000×1000; the nearest ratio of ")
    assert line["notes"][1].startswith("wide.png is 3000×1000, larger than 1K (1584×672)")
