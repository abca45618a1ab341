from __future__ import annotations

from pathlib import Path

import pytest

from nanobanana_cli.errors import Charged, LocalFileError, UsageError
from nanobanana_cli.generation import destinations
from nanobanana_cli.generation.destinations import Destination, NamedFile, Stdout, UnnamedFile
from nanobanana_cli.types import Data, ImageFormat


def _plan(output: str | None, **options: object) -> list[Destination]:
    return destinations.plan(output, prompt="A red fox!", stdout=lambda _: None, **options)  # type: ignore[arg-type]


def _save(place: Destination, image_format: ImageFormat = "png") -> str:
    return place.save(b"bytes", image_format)


@pytest.mark.parametrize(
    ("name", "option", "expected"),
    [
        ("fox.png", "auto", "png"),
        ("fox.PNG", "auto", "png"),
        ("fox.jpg", "auto", "jpeg"),
        ("fox.jpeg", "jpg", "jpeg"),
        ("fox.webp", "webp", "webp"),
        ("fox", "auto", None),
        ("fox", "PNG", "png"),
    ],
)
def test_the_format_follows_the_name_and_the_option(
    name: str, option: str, expected: str | None
) -> None:
    (output,) = _plan(name, image_format=option)
    assert output.format == expected


@pytest.mark.parametrize(
    ("output", "options", "said"),
    [
        ("fox.gif", {}, ".gif is not a format that nb writes"),
        ("fox.pgn", {}, ".pgn is not a format"),
        ("fox.png", {"image_format": "jpeg"}, "contradict each other"),
        (None, {"image_format": "pgn"}, "--format pgn is not a format"),
        ("", {}, "-o needs a path"),
        (".png", {}, "has a suffix but no name"),
        ("images/.JPG", {}, "has a suffix but no name"),
        ("a\0b", {}, "-o needs a path"),
        ("-", {"count": 2}, "takes one image"),
        ("-", {"force": True}, "--force needs a named file"),
        (None, {"skip_existing": True}, "--skip-existing needs a named file"),
        ("fox.png", {"force": True, "skip_existing": True}, "contradict each other"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    output: str | None, options: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _plan(output, **options)
    assert said in caught.value.message
    assert caught.value.hint


def test_a_misspelt_format_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        _plan(None, image_format="pgn")
    assert caught.value.hint == "did you mean png? one of auto, png, jpeg, webp"


@pytest.mark.parametrize("output", ["missing/", "missing/fox.png", "/dev/null", "f" * 300 + ".png"])
def test_what_could_not_be_written_is_an_error_before_the_call(output: str) -> None:
    with pytest.raises(LocalFileError) as caught:
        _plan(output, force=not output.endswith("/"))
    assert caught.value.charged is Charged.NO


def test_without_a_name_files_are_named_after_the_prompt_and_never_collide() -> None:
    first, second = _plan(None, count=2)
    assert isinstance(first, UnnamedFile)
    assert [_save(first), _save(second, "jpeg"), _save(first)] == [
        "a-red-fox.png",
        "a-red-fox.jpg",
        "a-red-fox-2.png",
    ]
    assert not first.taken()


@pytest.mark.parametrize("output", ["fox", "fox.", "fox.."])
def test_a_name_without_a_suffix_gets_one(output: str) -> None:
    assert _save(_plan(output)[0]) == "fox.png"
    assert [_save(place, "jpeg") for place in _plan(output, count=2)] == ["fox-1.jpg", "fox-2.jpg"]


@pytest.mark.parametrize("output", ["images", "images/"])
def test_a_folder_takes_files_named_after_the_prompt(output: str) -> None:
    Path("images").mkdir()
    (place,) = _plan(output)
    assert _save(place) == "images/a-red-fox.png"


def test_several_images_are_numbered() -> None:
    places = _plan("fox.png", count=3)
    assert [str(place.path) for place in places if isinstance(place, NamedFile)] == [
        "fox-1.png",
        "fox-2.png",
        "fox-3.png",
    ]


def test_a_file_that_is_there_is_taken_unless_forced() -> None:
    Path("fox.png").write_bytes(b"mine")
    (place,) = _plan("fox.png")
    (forced,) = _plan("fox.png", force=True)
    assert place.taken()
    assert not forced.taken()
    assert _save(forced) == "fox.png"
    assert Path("fox.png").read_bytes() == b"bytes"


def test_a_dangling_link_is_taken() -> None:
    Path("fox.png").symlink_to("nowhere")
    (place,) = _plan("fox.png")
    assert place.taken()


def test_a_paid_image_whose_name_was_taken_meanwhile_is_put_beside_it() -> None:
    (place,) = _plan("fox.png")
    Path("fox.png").write_bytes(b"mine")
    with pytest.raises(LocalFileError) as caught:
        _save(place)
    assert Path("fox.png").read_bytes() == b"mine"
    assert Path("fox-2.png").read_bytes() == b"bytes"
    assert caught.value.hint == "the image was saved as fox-2.png"
    assert caught.value.charged is Charged.YES


def test_stdout_gets_the_bytes() -> None:
    received: list[Data] = []
    (place,) = destinations.plan("-", prompt="fox", stdout=received.append)
    assert isinstance(place, Stdout)
    assert not place.taken()
    assert _save(place) == "-"
    assert received == [b"bytes"]
