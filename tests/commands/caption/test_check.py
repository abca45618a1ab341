"""`nb caption --check`: no key, no network, and an exit status for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.texts import save


def test_all_is_well(nb: Nb) -> None:
    save("i/a.png", "i/b.jpg")
    Path("i/a.alt.txt").write_text("A red fox in snow.\n")
    nb("caption", "i/b.jpg", "--embed", "--provider", "sandbox")
    run = nb("caption", "--check", "-r", "i")
    assert (run.code, run.out) == (0, "")
    assert run.err == "2 images checked, no problems found\n"


def test_what_is_missing_or_bad_is_listed(nb: Nb) -> None:
    save("a.png", "b.png", "c.png", "d.png")
    Path("b.alt.txt").write_text("Image of a fox\nin **snow**\n")
    Path("c.alt.txt").write_text("\n")
    Path("d.alt.txt").write_bytes(b"\xff\xfe")
    run = nb("caption", "--check", "*.png")
    assert run.code == 3
    assert run.out.splitlines() == [
        "a.png\tit has no alt text",
        'b.png\tit starts with "Image of", which screen readers already announce',
        "b.png\tit contains line breaks",
        "b.png\tit contains Markdown",
        "c.png\tit is empty",
        "d.png\talt text d.alt.txt is not UTF-8",
    ]
    assert run.err.splitlines() == [
        "nb: problems found in 4 of 4 images",
        "hint: nb caption --write adds missing texts, --write --force replaces bad ones",
        "Not charged.",
    ]


def test_json(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("b.alt.txt").write_text("A fox.")
    run = nb("caption", "--check", "a.png", "b.png", "--json")
    assert [json.loads(line) for line in run.out.splitlines()] == [
        {
            "path": "a.png",
            "status": "failed",
            "alt": None,
            "alt_path": None,
            "problems": [{"kind": "missing", "message": "it has no alt text"}],
        },
        {
            "path": "b.png",
            "status": "unchanged",
            "alt": "A fox.",
            "alt_path": "b.alt.txt",
            "problems": [],
        },
    ]


def test_the_length_can_be_set(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("A red fox.")
    assert nb("caption", "--check", "a.png", "--max-chars", "10").code == 0
    run = nb("caption", "--check", "a.png", "--max-chars", "9")
    assert (run.code, run.out) == (3, "a.png\tit has 10 characters, more than 9\n")


def test_what_cannot_be_read_fails_the_check(nb: Nb) -> None:
    Path("a.png").write_bytes(b"no image")
    Path("b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    run = nb("caption", "--check", "a.png", "b.heic")
    assert run.code == 3
    assert len(run.out.splitlines()) == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--read",),
        ("--write",),
        ("--embed",),
        ("-o", "b.png"),
        ("--dry-run",),
        ("--as", "html"),
        ("--prompt-file", "p.txt"),
    ],
)
def test_contradictions(nb: Nb, options: tuple[str, ...]) -> None:
    save("a.png")
    run = nb("caption", "--check", "a.png", *options)
    assert run.code == 2
    assert "contradict" in run.err


def test_a_prompt_cannot_be_checked(nb: Nb) -> None:
    run = nb("caption", "--check", "a red fox")
    assert run.code == 2
    assert "a red fox: no such image" in run.err


def test_hostile_texts_come_out_inert(nb: Nb) -> None:
    save("a\x1b[31m.png")
    Path("a\x1b[31m.alt.txt").write_text("Image of \x1b[31m\u202ex")
    run = nb("caption", "--check", "-r", ".")
    assert run.code == 3
    assert not {"\x1b", "\u202e"} & set(run.out + run.err)
