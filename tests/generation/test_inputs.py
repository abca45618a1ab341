from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.replies import picture

from nanobanana_cli.catalog import DEFAULT_MODEL
from nanobanana_cli.errors import UsageError
from nanobanana_cli.generation import inputs
from nanobanana_cli.types import ContentRequest, Parameters, Reference


def _prompt(argument: str | None = None, file: str | None = None, stdin: bytes = b"") -> str:
    return inputs.prompt_text(argument, file, lambda _: stdin)


def test_a_prompt_comes_from_the_argument_a_file_or_stdin() -> None:
    Path("fox.txt").write_text("\ufeffa red fox\nin snow\n", encoding="utf-8")
    assert _prompt("  a red fox ") == "a red fox"
    assert _prompt(file="fox.txt") == "a red fox\nin snow"
    assert _prompt("-", stdin=b"a red fox\n") == "a red fox"
    assert _prompt(file="-", stdin=b"a red fox\n") == "a red fox"


@pytest.mark.parametrize(
    ("argument", "file", "stdin", "said"),
    [
        (None, None, b"", "no prompt"),
        ("", None, b"", "the prompt is empty"),
        (" \t\n", None, b"", "the prompt is empty"),
        ("-", None, b" \n", "stdin is empty"),
        ("-", None, b"\xff\xfe", "stdin is not UTF-8 text (byte 0)"),
        ("fox \udcff", None, b"", "the prompt is not UTF-8 text (byte 4)"),
        ("fox", "fox.txt", b"", "a prompt and --prompt-file contradict each other"),
        (None, "missing.txt", b"", "prompt file missing.txt"),
        (None, "empty.txt", b"", "prompt file empty.txt is empty"),
        (None, "binary.txt", b"", "prompt file binary.txt is not UTF-8"),
        (None, ".", b"", "prompt file ."),
    ],
)
def test_a_prompt_that_cannot_be_sent(
    argument: str | None, file: str | None, stdin: bytes, said: str
) -> None:
    Path("empty.txt").write_bytes(b"\n")
    Path("binary.txt").write_bytes(b"\x89PNG")
    with pytest.raises(UsageError) as caught:
        _prompt(argument, file, stdin)
    assert said in caught.value.message


def _request(
    model: str = DEFAULT_MODEL, references: tuple[Reference, ...] = (), **parameters: Any
) -> ContentRequest:
    return ContentRequest(
        prompt="fox", model=model, references=references, parameters=Parameters(**parameters)
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 2.5}, "--temperature 2.5 is not between 0 and 2"),
        ({"temperature": float("nan")}, "--temperature nan"),
        ({"seed": 2**31}, "--seed 2147483648 is not between -2147483648 and 2147483647"),
        ({"thinking": "hihg"}, "--thinking hihg is not a thinking level"),
        ({"references": (Reference("x", "image/png", b""),) * 15}, "15 reference images"),
        (
            {"model": "gemini-2.5-flash-image", "references": (Reference("x", "", b""),) * 4},
            "4 reference images, but gemini-2.5-flash-image takes 3",
        ),
        ({"model": "gemini-2.5-flash-image", "thinking": "high"}, "--thinking is not known"),
        ({"model": "gemini-2.5-flash-image", "search": True}, "--search is not known"),
    ],
)
def test_what_the_model_is_known_not_to_take(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        inputs.checked(_request(**options))
    assert said in caught.value.message
    assert caught.value.hint


def test_the_nearest_thinking_level_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        inputs.checked(_request(thinking="hihg"))
    assert caught.value.hint == "did you mean high? one of minimal, medium, high"


def test_what_the_model_takes_passes() -> None:
    request = _request(thinking="high", search=True, temperature=0.0, seed=-1)
    assert inputs.checked(request) is request


def test_an_unknown_model_goes_unchecked() -> None:
    request = _request(model="gemini-9-image", thinking="vast", search=True)
    assert inputs.checked(request) is request


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
BROKEN_PIXELS = picture(image_format="WEBP")[:40] + bytes(48)


def test_an_image_is_read_with_its_type_and_size() -> None:
    data = picture(16, 8)
    Path("fox.jpg").write_bytes(data)
    for decode in (True, False):
        for name in ("fox.jpg", "-"):
            mime_type, read, found = inputs.read_image(name, lambda: data, decode=decode)
            assert (read, mime_type) == (data, "image/png")
            assert found is not None
            assert (found.width, found.height) == (16, 8)
    assert inputs.read_image("-", lambda: HEIC, decode=True) == ("image/heic", HEIC, None)
    assert inputs.references(("-",), lambda: HEIC) == (Reference("-", "image/heic", HEIC),)


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (b"fox", "cannot be sent: it is not an image", "the service accepts png, jpeg, webp, "),
        (picture(image_format="GIF"), "cannot be sent: it is image/gif", "the service accepts"),
        (
            picture()[:-20],
            "is damaged: the PNG is cut off: chunk IDAT should have 96 bytes, 92 are left",
            "check the file",
        ),
    ],
)
def test_an_image_that_cannot_be_sent(
    data: bytes, message: str, hint: str, *, decode: bool
) -> None:
    Path("fox.png").write_bytes(data)
    for name, source in (("fox.png", "fox.png"), ("-", "stdin")):
        with pytest.raises(UsageError) as caught:
            inputs.read_image(name, lambda: data, decode=decode)
        assert caught.value.message == f"{source} {message}"
        assert (caught.value.hint or "").startswith(hint)


def test_only_decoding_finds_broken_pixels() -> None:
    assert inputs.read_image("-", lambda: BROKEN_PIXELS, decode=False)[2] is not None
    with pytest.raises(UsageError, match=r"^stdin is damaged: "):
        inputs.read_image("-", lambda: BROKEN_PIXELS, decode=True)


def test_a_missing_image_is_named() -> None:
    with pytest.raises(UsageError, match=r"^image none\.png: no such file or folder$"):
        inputs.read_image("none.png", lambda: b"", decode=False)
