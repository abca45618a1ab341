from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import python

from nanobanana_cli.slug import slug, unwritable


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A red fox!", "a-red-fox"),
        ("  --A_red/fox\\at.dawn  ", "a-red-fox-at-dawn"),
        ("the fox's den, the fox\u2019s den", "the-foxs-den-the-foxs-den"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("16:9, 50 %", "16-9-50"),
        ("Ein Füchslein — groß", "ein-füchslein-groß"),
        ("CAFE\u0301 \u0130zmir", "café-i̇zmir"),
        ("赤い狐、夜明け", "赤い狐-夜明け"),
        ("लाल लोमड़ी", unicodedata.normalize("NFC", "लाल-लोमड़ी")),
        ("ثعلب أحمر", "ثعلب-أحمر"),
        ("❤️ fox 🦊 3️⃣", "fox-3"),
        ("fox\u202egnp.exe\u200b\x1b[31m", "fox-gnp-exe-31m"),
        ("\u3164\u115f", "image"),
        ("🦊", "image"),
        ("", "image"),
        ("\ud800\udcff", "image"),
        ("NUL", "nul-image"),
        ("com1.png", "com1-png"),
        ("COM¹", "com¹-image"),
        ("fox " * 40, "fox-" * 14 + "fox"),
        ("x" * 100, "x" * 60),
        ("a " + "x" * 100, "a-" + "x" * 58),
        ("狐" * 100, "狐" * 60),
        ("\U00020000" * 100, "\U00020000" * 50),
    ],
)
def test_slug(prompt: str, name: str) -> None:
    assert slug(prompt) == name


def test_a_word_that_just_fits_is_kept() -> None:
    assert slug("x" * 29 + " " + "y" * 30 + " z") == "x" * 29 + "-" + "y" * 30


def test_a_letter_does_not_lose_its_marks() -> None:
    # The 60th character carries a mark that would be the 61st.
    assert slug("x" * 59 + "q\u0323") == "x" * 59


def test_a_huge_prompt_takes_no_time() -> None:
    assert slug("fox, " + "?" * 10_000_000) == "fox"


@given(st.text(st.characters()))
@example("e'\u0301")
@example("con\u200b")
def test_slug_is_always_a_good_name(prompt: str) -> None:
    name = slug(prompt)

    assert 0 < len(name) <= 70
    assert len(name.encode()) <= 210
    assert name == unicodedata.normalize("NFC", name)
    assert name == slug(name)
    assert not name.startswith("-")
    assert not name.endswith("-")
    assert "--" not in name
    assert all(c == "-" or unicodedata.category(c)[0] in "LNM" for c in name)
    assert Path(name).name == name


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a/b.c/fox.png", ""),
        ("../fox.png", ""),
        ("東京.png", ""),
        ("console.png", ""),
        ("a:b.png", "has ':', which no name has on Windows"),
        ("a\\b.png", "has '\\\\', which no name has on Windows"),
        ("what?/fox.png", "has '?', which no name has on Windows"),
        ("NUL", "has the name NUL, which is a device on Windows"),
        ("con.d/fox.png", "has the name con.d, which is a device on Windows"),
        ("lpt1 .png", "has the name lpt1 .png, which is a device on Windows"),
        ("a./fox.png", "has the name 'a.', but on Windows none ends in a dot or space"),
        ("fox.png ", "has the name 'fox.png ', but on Windows none ends in a dot or space"),
    ],
)
def test_names_that_windows_refuses(path: str, problem: str) -> None:
    assert unwritable(path, windows=True) == problem
    assert unwritable(path, windows=False) == ""


@given(st.text(st.characters()))
def test_a_slug_can_be_written(prompt: str) -> None:
    assert unwritable(slug(prompt) + ".png", windows=True) == ""


def test_names_in_a_locale_that_cannot_write_them() -> None:
    script = (
        "from nanobanana_cli.slug import slug, unwritable\n"
        "print(slug('Fox und F\\xfcchslein'), slug('\\u6771'), sep='|', end='|')\n"
        "print(unwritable('a/\\u6771.png'))"
    )
    with python.start(script, env=python.ASCII, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=60)
    assert out.decode("ascii") == (
        "fox-und-f-chslein|image|has '\\u6771', which this locale cannot write: ascii\n"
    )
