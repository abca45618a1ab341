"""Decorative images: an empty text file, delivered as `alt=""` and never paid for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.texts import against, save, told
from support.wire_server import WireServer


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "\n"),
        ("html", '<img src="line.png" alt="" width="8" height="8" />\n'),
        ("markdown", "![](line.png)\n"),
        ("csv", "path,text,width,height\nline.png,,8,8\n"),
    ],
)
@pytest.mark.parametrize("option", [(), ("--write",), ("--embed",), ("--decorative",)])
def test_an_empty_text_file_is_delivered_without_a_call(
    nb: Nb, form: str, expected: str, option: tuple[str, ...]
) -> None:
    save("line.png")
    before = Path("line.png").read_bytes()
    Path("line.alt.txt").write_text(" \n")
    with WireServer(told("A line.")) as server:
        run = nb("caption", "line.png", "--as", form, *option, env=against(server))
    assert (run.code, run.out, server.requests) == (0, expected, [])
    assert Path("line.png").read_bytes() == before
    assert Path("line.alt.txt").read_text() == " \n"


def test_only_the_other_images_are_paid_for(nb: Nb) -> None:
    save("a.png", "line.png")
    Path("line.alt.txt").write_text("")
    with WireServer(told("A fox.")) as server:
        run = nb(
            "caption", "a.png", "line.png", "--json", "--max-cost", "0.06", env=against(server)
        )
    first, second = (json.loads(line) for line in run.out.splitlines())
    assert (run.code, len(server.requests)) == (0, 1)
    assert (first["alt"], second["alt"]) == ("A fox.", "")
    assert (second["status"], second["alt_path"], second["cost_usd"]) == (
        *("skipped", "line.alt.txt"),
        None,
    )


def test_decorative_needs_no_key_and_leaves_an_empty_file(nb: Nb) -> None:
    save("i/a.png", "i/b.png")
    run = nb("caption", "-r", "i", "--decorative", "--write")
    assert (run.code, run.out) == (0, "i/a.png\t\ni/b.png\t\n")
    assert Path("i/a.alt.txt").read_bytes() == b""
    assert nb("caption", "--check", "--strict", "-r", "i").code == 0
    assert nb("caption", "-r", "i", "--dry-run").out == ""


def test_decorative_without_write_leaves_nothing(nb: Nb) -> None:
    save("a.png")
    run = nb("caption", "a.png", "--decorative", "--as", "html")
    assert (run.code, run.out) == (0, '<img src="a.png" alt="" width="8" height="8" />\n')
    assert not Path("a.alt.txt").exists()


def test_a_text_that_is_there_is_left_alone(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("A fox.\n")
    run = nb("caption", "a.png", "--decorative", "--write")
    assert (run.code, run.out) == (0, "A fox.\n")
    assert Path("a.alt.txt").read_text() == "A fox.\n"
    assert nb("caption", "a.png", "--decorative", "--write", "--force").code == 0
    assert Path("a.alt.txt").read_bytes() == b""


@pytest.mark.parametrize(
    "options",
    [
        ("a.png", "--decorative", "--embed"),
        ("a.png", "--decorative", "--check"),
        ("a.png", "--decorative", "--read"),
        ("a red fox", "--decorative"),
    ],
)
def test_what_decorative_does_not_go_with(nb: Nb, options: tuple[str, ...]) -> None:
    save("a.png")
    run = nb("caption", *options)
    assert run.code == 2
    assert "--decorative" in run.err
