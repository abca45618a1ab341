"""What models say around an alt text, in any order: cleaned to one inert line, in little time."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given
from support import fuzzing

from nanobanana_cli.api.retry_after import is_for_a_day, seconds_to_wait
from nanobanana_cli.captions import clean, languages, lint
from nanobanana_cli.slug import slug
from nanobanana_cli.ui import escape

_TOKENS = (
    *("Sure! ", "Here is the alt text: ", "Alt text: ", "**Alt text:** ", "Of course, ", "Claro: "),
    *(
        "a red fox in the snow",
        "Ein Fuchs.",
        "一只狐狸。",
        "ثعلب",
        "(12 words)",
        "[125 characters]",
        " ",
    ),
    *(
        '"',
        "'",
        "\u201c",
        "\u201d",
        "\u201e",
        "*",
        "**",
        "_",
        "`",
        "```",
        "```json\n",
        "~~~",
        "\n",
        "\n\n",
        ">",
    ),
    *(
        '{"alt": "',
        '"}',
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '<img alt="',
        '">',
        "<p>",
        "</p>",
        "![",
        "](x)",
        "-",
    ),
    *(
        "<think>",
        "</think>",
        "<thinking>",
        "Let me know if ",
        "Would you like ",
        "I cannot ",
        "1. ",
        "2. ",
    ),
    *(
        "Option 1: ",
        "Option 2: ",
        "or: ",
        "&amp;",
        "&quot;",
        "\x1b[31m",
        "\x1b]52;c;aGk=\x07",
        "\u202e",
        "\0",
    ),
    *(
        "null",
        "n/a",
        "Decorative image",
        ".",
        "!",
        "\ud800",
        "\ufeff",
        "{{x}}",
        "${x}",
        "&#60;",
        "IMG_1.jpg",
    ),
)


@given(fuzzing.mixed(_TOKENS))
def test_any_answer_is_one_inert_line(answer: str) -> None:
    text = clean.clean(answer)
    assert text == text.strip()
    # Lone surrogates, escapes and marks are gone, so that it can be written and shown.
    assert escape.escape(text) == text
    text.encode()
    if clean.refusal(answer) is None:
        assert text
    clean.is_decorative(answer)
    clean.chatter(text)
    assert "\x1b" not in clean.clean(clean.tags(answer))


@given(fuzzing.mixed(_TOKENS), st.sampled_from(("de", "en", "ja", "ar")))
def test_any_text_is_judged(text: str, tag: str) -> None:
    for fault in lint.lint(text, limit=120, file_name="IMG_1.jpg", prompt="a red fox"):
        fuzzing.check_message(fault.message)
    assert not (languages.is_other(text, tag) and languages.is_surely(text, tag))
    name = slug(text)
    assert name
    assert len(name.encode()) < 200
    assert escape.escape(name) == name
    assert not set(name) & set('/\\:*?"<>|')


@fuzzing.inputs(0.5)
@given(fuzzing.repeated(_TOKENS), st.sampled_from((4_900, 50_000)))
def test_no_answer_takes_long(given: fuzzing.Long, size: int) -> None:
    answer = given.text(size)
    with fuzzing.soon():
        clean.clean(answer)
        clean.refusal(answer)
        clean.is_decorative(answer)
        lint.lint(answer, limit=120)
        slug(answer)


_DATES = (
    *(
        "Fri",
        ", ",
        "31",
        " ",
        "Dec",
        "9999",
        "23:59:59",
        "GMT",
        "+",
        "-",
        "9999",
        "9" * 5000,
        ":",
        "0",
        ".",
    ),
    *(
        "1 Jan 0 0:0:0 +9",
        "inf",
        "nan",
        "1e9",
        "-1",
        "١٢",
        "\0",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "120",
    ),
)
_WAITS = (
    *(
        "retry in ",
        "try again after ",
        "34.28s",
        "9" * 9,
        "h",
        "m",
        "s",
        "ms",
        "retryDelay",
        '": "',
        "每",
    ),
    *(
        "1分钟",
        "requests per ",
        "60 ",
        "minutes",
        "/min",
        "9" * 400,
        " ",
        ".",
        "in within ",
        "24 小时",
        "daily",
    ),
)


@given(fuzzing.mixed(_DATES, 8), fuzzing.mixed(_DATES, 8), fuzzing.mixed(_WAITS))
def test_a_wait_is_finite_or_none(value: str, now: str, text: str) -> None:
    seconds = seconds_to_wait({"Retry-After": value, "Date": now}, text)
    assert seconds is None or 0 <= seconds < float("inf")
    is_for_a_day(text)
