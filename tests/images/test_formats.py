"""The table of formats: every row complete, and everything that reads it in step."""

from __future__ import annotations

import io
from typing import get_args

import pytest
from PIL import Image
from support import python

from nanobanana_cli.images import formats, metadata
from nanobanana_cli.images.convert import convert
from nanobanana_cli.images.formats import CHOICES, FORMATS, Format, listed, parse
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import NotEmbeddable
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.types import ImageFormat

_ROWS = [pytest.param(each, id=each.name) for each in FORMATS.values()]
_WRITTEN = [pytest.param(FORMATS[name], id=name) for name in ("png", "jpeg", "webp")]


def _image(row: Format) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 6), "red").save(buffer, row.name)
    return buffer.getvalue()


def test_the_table_has_a_row_for_each_format() -> None:
    assert tuple(FORMATS) == get_args(ImageFormat)
    assert [row.name for row in FORMATS.values()] == list(FORMATS)
    assert CHOICES == ("auto", "png", "jpeg", "webp")


@pytest.mark.parametrize("row", _ROWS)
def test_each_row_is_found_and_read(row: Format) -> None:
    data = _image(row)
    assert formats.format_of(data) is row
    assert formats.sniff(data) == row.mime_type
    assert formats.survey(data) == formats.verify(data)
    assert formats.verify(data).format == row.name


@pytest.mark.parametrize("row", _WRITTEN)
def test_each_format_becomes_one_that_is_written(row: Format) -> None:
    for other in FORMATS.values():
        assert convert(formats.verify(_image(other)), row.name).format == row.name


def test_text_is_read_in_avif_but_not_embedded() -> None:
    data = _image(FORMATS["avif"])
    assert metadata.read(data) == Description()
    with pytest.raises(NotEmbeddable, match="PNG, JPEG or WebP"):
        metadata.embed(data, Description(alt="a fox"))


@pytest.mark.parametrize("row", [row for row in FORMATS.values() if row.xmp and row.modes])
def test_a_row_with_xmp_holds_text(row: Format) -> None:
    data = metadata.embed(_image(row), Description(alt="a fox"))
    assert formats.verify(data).format == row.name
    assert metadata.read(data).alt == "a fox"


@pytest.mark.parametrize(
    ("text", "name"),
    [("auto", None), ("AUTO", None), ("png", "png"), ("JPG", "jpeg"), ("jpeg", "jpeg")],
)
def test_a_format_is_parsed(text: str, name: str | None) -> None:
    assert parse(text) == name


@pytest.mark.parametrize("text", ["", "gif", ".png", "image/png"])
def test_another_one_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^is not a format that nb writes$") as wrong:
        parse(text)
    assert str(wrong.value.hint).endswith(f"one of {', '.join(CHOICES)}")


def test_a_list_is_fit_for_a_sentence() -> None:
    assert listed(["png", "jpeg", "webp"]) == "png, jpeg or webp"


def test_the_table_loads_no_reader() -> None:
    code = (
        "import sys, nanobanana_cli.images.formats; "
        "sys.exit(any(name.endswith(('.png', '.jpeg', '.webp')) for name in sys.modules))"
    )
    assert python.status(code) == 0
