"""An image is verified before it gets a name, wherever it goes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from support.pngs import png

from nanobanana_cli.errors import BadReply
from nanobanana_cli.generation import destinations
from nanobanana_cli.generation.destinations import Destination
from nanobanana_cli.generation.save import save_image
from nanobanana_cli.types import ContentRequest, Reply, Result

REQUEST = ContentRequest("A red fox!", "gemini-3.1-flash-image-preview", aspect="1:1", size="1K")


def _plan(output: str | None, **options: object) -> Destination:
    (place,) = destinations.plan(output, prompt="fox", stdout=lambda _: None, **options)  # type: ignore[arg-type]
    return place


def _result(data: bytes) -> Result:
    return Result("unchanged", REQUEST, "wisgate", reply=Reply(image=data))


@pytest.mark.parametrize(
    ("output", "options"),
    [("fox.png", {}), ("fox.png", {"force": True}), (None, {}), ("-", {})],
)
def test_a_damaged_image_gets_no_name(output: str | None, options: dict[str, object]) -> None:
    result = save_image(_result(b"bytes"), _plan(output, **options))
    assert isinstance(result.error, BadReply)
    assert (result.status, result.path) == ("failed", None)
    assert list(Path().iterdir()) == []


def test_a_damaged_image_is_not_rescued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    Path("images").mkdir()
    place = _plan("images/")
    Path("images").rmdir()
    assert isinstance(save_image(_result(b"bytes"), place).error, BadReply)
    assert list(Path().iterdir()) == []


def test_a_saved_image_is_not_kept_in_memory() -> None:
    result = save_image(_result(png()), _plan("fox.png"))
    assert (result.status, result.path) == ("written", "fox.png")
    assert result.reply is not None
    assert result.reply.image is None
