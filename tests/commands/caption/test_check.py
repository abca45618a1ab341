"""`nb caption --check`: no key, no network, and an exit status for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import picture
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
        "d.png\talt text d.alt.txt is not UTF-8",
    ]
    assert run.err.splitlines() == [
        "nb: problems found in 3 of 4 images",
        "hint: nb caption --write adds missing texts, --write --again replaces bad ones",
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
            "problems": [{"kind": "missing", "message": "it has no alt text", "level": "error"}],
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


def test_what_cannot_be_looked_at_is_named_and_counted(nb: Nb) -> None:
    save("i/d.png")
    Path("i/d.alt.txt").write_text("A red fox in snow.")
    Path("i/a.png").write_bytes(b"no image")
    Path("i/b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    Path("i/c.svg").write_text("<svg/>")
    Path("i/e.gif").write_bytes(picture(image_format="GIF"))
    # What it says does not depend on the image.
    Path("i/e.alt.txt").write_text("A fox runs")
    run = nb("caption", "--check", "-r", "i")
    assert run.code == 0
    names = [line.split("\t") for line in run.out.splitlines()]
    assert [name for name, _ in names] == ["i/a.png", "i/b.heic", "i/c.svg"]
    assert all(message.startswith("not checked: ") for _, message in names)
    assert run.err == "2 of 5 images checked, no problems found, 3 not checked\n"
    strict = nb("caption", "--check", "--strict", "-r", "i")
    assert (strict.code, strict.out) == (3, run.out)
    assert strict.err.startswith("nb: 2 of 5 images checked, no problems found, 3 not checked\n")
    records = [
        json.loads(line) for line in nb("caption", "--check", "-r", "i", "--json").out.splitlines()
    ]
    assert [record["status"] for record in records] == ["skipped"] * 3 + ["unchanged"] * 2
    assert {record["problems"][0]["level"] for record in records[:3]} == {"unchecked"}


def test_warnings_fail_only_a_strict_check(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("A red fox in snow. " * 9)
    run = nb("caption", "--check", "a.png")
    assert (run.code, run.err) == (0, "1 image checked, warnings in 1\n")
    assert run.out == "a.png\twarning: it has 170 characters, more than 150\n"
    strict = nb("caption", "--check", "--strict", "a.png", "--json")
    assert strict.code == 3
    record = json.loads(strict.out)
    assert record["status"] == "failed"
    assert record["problems"][0]["level"] == "warning"


def test_the_same_text_on_different_pictures_is_a_warning(nb: Nb) -> None:
    save("a.png", "b.png", "c.png", "fox.png", "fox-800w.png", "fox.jpg")
    Path("copy.png").write_bytes(Path("a.png").read_bytes())
    for name in ("a", "b", "copy", "c"):
        Path(f"{name}.alt.txt").write_text("A red fox." if name != "c" else "A wolf.")
    # The same picture in other sizes and formats.
    for name in ("fox", "fox-800w"):
        Path(f"{name}.alt.txt").write_text("A fox.")
    run = nb("caption", "--check", "*.png", "fox.jpg")
    assert run.code == 0
    assert run.out.splitlines() == [
        "a.png\twarning: b.png has the same text",
        "b.png\twarning: a.png and 1 more have the same text",
        "copy.png\twarning: b.png has the same text",
    ]
    assert nb("caption", "--check", "--strict", "*.png").code == 3


def test_a_text_file_that_differs_from_the_embedded_text_is_a_warning(nb: Nb) -> None:
    save("a.png", "b.png")
    for name in ("a", "b"):
        Path(f"{name}.alt.txt").write_text(f"A red fox, {name}.\n")
    nb("caption", "a.png", "b.png", "--embed", "--provider", "sandbox")
    assert nb("caption", "--check", "--strict", "a.png", "b.png").code == 0
    Path("a.alt.txt").write_text("A wolf.\n")
    run = nb("caption", "--check", "a.png", "b.png")
    assert run.code == 0
    assert run.out == 'a.png\twarning: it differs from the embedded "A red fox, a."\n'


def test_an_empty_text_file_marks_a_decorative_image(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("a.alt.txt").write_text("")
    Path("b.alt.txt").write_text("\n")
    run = nb("caption", "--check", "--strict", "a.png", "b.png")
    assert (run.code, run.out) == (0, "")


@pytest.mark.parametrize("style", ["title", "tags"])
@pytest.mark.parametrize("job", ["--check", "--read"])
def test_styles_without_a_field_cannot_be_checked(nb: Nb, style: str, job: str) -> None:
    save("a.png")
    run = nb("caption", job, "a.png", "--style", style)
    assert run.code == 2
    assert f"nb: {job} has no field for --style {style}" in run.err


def test_strict_is_for_a_check(nb: Nb) -> None:
    save("a.png")
    assert nb("caption", "a.png", "--strict", "--provider", "sandbox").code == 2
    assert nb("caption", "a.png", "--read", "--strict").code == 2


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
