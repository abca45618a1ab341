from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.ui.layout import cells, shortened, wrapped
from nanobanana_cli.ui.progress import Bar, Wait

_COMMAND = "run this to continue: NB_PROVIDER=sandbox nb batch rows.toml --retry unknown --yes"


@pytest.mark.parametrize(
    ("text", "columns"), [("fox", 3), ("狐狸", 4), ("fu\u0308r", 3), ("a\u200db", 2), ("🦊", 2)]
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, columns: int) -> None:
    assert cells(text) == columns


@given(st.text(), st.integers(0, 50))
def test_what_is_shortened_fits(text: str, width: int) -> None:
    assert cells(shortened(text, width)) <= width


@pytest.mark.parametrize(
    ("text", "indent", "expected"),
    [
        ("check the account's usage first", 6, "check the account's usage first"),
        (
            "check the account's usage first; running it again is a new, paid call",
            6,
            "check the account's usage first;\n      running it again is a new, paid call",
        ),
        # Commands stay whole, so that they can be copied.
        (
            "take a model whose price `nb models --json --provider google` shows",
            6,
            "take a model whose price\n      `nb models --json --provider google`\n      shows",
        ),
        (_COMMAND, 6, _COMMAND.replace(": NB", ":\n      NB")),
        ("  export NB_PROVIDER=sandbox NB_BASE_URL=http://127.0.0.1:8080", 0, None),
        ("fox.png  2752×1536  5.1 MB  19.8 s  $0.058", 0, None),
    ],
)
def test_lines_break_at_words(text: str, indent: int, expected: str | None) -> None:
    assert wrapped(text, 42, indent) == (expected or text)


@given(st.lists(st.text("abc\u72d0", min_size=1, max_size=9), min_size=1), st.integers(20, 60))
def test_wrapped_lines_fit_and_lose_no_word(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width, 2).split("\n  ")
    assert " ".join(lines).split() == words
    assert all(cells(line) + 2 <= width for line in lines)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (120, "a red fox in the snow · 16:9 2K · 12 s, usually about 20"),
        (54, "a red fox in the s… · 16:9 2K · 12 s, usually about 20"),
        (44, "a red fox in the s… · 12 s, usually about 20"),
        (30, "a red fox in the snow · 12 s"),
        (12, "a re… · 12 s"),
    ],
)
def test_a_wait_gives_way_in_order(width: int, expected: str) -> None:
    wait = Wait("a red fox in the snow", "16:9 2K", usual=20)
    ((made, rest),) = wait.frame(12.3, width)
    assert made[0] + rest[0] == expected
    assert cells(expected) <= width


@given(st.text(), st.integers(1, 99), st.integers(20, 200), st.floats(0, 9999))
def test_what_moves_fits(text: str, total: int, width: int, seconds: float) -> None:
    wait, bar = Wait(text, "16:9 2K", total, usual=20), Bar(total, total // 2, "2 done, $0.10")
    for line in (*wait.frame(seconds, width), *bar.frame(seconds, width)):
        assert cells("".join(run for run, _ in line)) <= width


def test_several_are_counted() -> None:
    ((_, (rest, _)),) = Wait("a red fox", "1:1 1K", total=3, done=1, usual=20).frame(4, 80)
    assert rest == " · 1:1 1K · 1/3 · 4 s, usually about 20"
