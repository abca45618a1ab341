"""Each fault that needs no look at the picture."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.captions.lint import lint


def kinds(
    text: str, *, limit: int = 150, name: str | None = None, prompt: str | None = None
) -> str:
    found = lint(text, limit=limit, file_name=name, prompt=prompt)
    return " ".join(problem.kind for problem in found)


@pytest.mark.parametrize(
    "text",
    [
        "A red fox curled up on snow beneath pines",
        'Road sign reading "No entry"',
        "Picturesque village by a lake",
        "Imaging device in a laboratory",
        "Five * six = thirty, snake_case_name and 2*3*4",
        "Bildhauer bei der Arbeit",
        "Fotografin mit Kamera",
        "Imagerie médicale",
        "A line on item [3] (see below)",
        "Fox\n",
    ],
)
def test_a_good_text_has_no_problem(text: str) -> None:
    assert kinds(text, name="other.png", prompt="something else") == ""


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_empty(text: str) -> None:
    assert kinds(text) == "empty"


def test_too_long_counts_characters_not_bytes() -> None:
    assert kinds("é" * 125, limit=125) == ""
    assert kinds("é" * 126, limit=125) == "too_long"
    assert lint("x" * 126, limit=125)[0].message == "it has 126 characters, more than 125"


@pytest.mark.parametrize(
    "text",
    [
        "Image of a fox",
        "An image of a fox",
        "picture of a fox",
        "This is a photo of a fox",
        "The image shows a fox",
        "Bild eines Fuchses",
        "Ein Foto von einem Fuchs",
        "Das Bild zeigt einen Fuchs",
        "Auf dem Bild ist ein Fuchs",
        "Image d'un renard",
        "Image d\u2019un renard",
        "Une photo de renard",
        "L\u2019image montre un renard",
        "Imagen de un zorro",
        "Una fotografía de un zorro",
        "Immagine di una volpe",
        "Un'immagine che mostra una volpe",
        "Foto dell'edificio",
        "Imagem de uma raposa",
        "Afbeelding van een vos",
        "Een foto van een vos",
        "En bild på en räv",
        "Et billede af en ræv",
        "Bilde av en rev",
        "Zdjęcie lisa",
        "Obraz przedstawia lisa",
        "Kuva ketusta",
        "Obrázek lišky",
        "Kép egy rókáról",
        "Imagine cu o vulpe",
        "Εικόνα μιας αλεπούς",
        "Изображение лисы",
        "Фото лисицы",
    ],
)
def test_an_opening_that_says_it_is_an_image(text: str) -> None:
    assert kinds(text) == "opening"


def test_the_opening_is_quoted() -> None:
    assert lint("Image of a fox", limit=99)[0].message.startswith('it starts with "Image of"')


@pytest.mark.parametrize(
    "text", ["fox.png", "FOX", "my-photo_2.JPEG", "IMG_1234", "DSC01234", "Screenshot 2026-11-23"]
)
def test_a_file_name(text: str) -> None:
    assert kinds(text, name="pictures/fox.png") == "file_name"


def test_line_breaks() -> None:
    assert kinds("a fox\nin snow") == "line_breaks"


@pytest.mark.parametrize(
    "text",
    [
        "**A fox** in snow",
        "A *red* fox",
        "A _red_ fox",
        "__A fox__",
        "# A fox",
        "- a fox",
        "> a fox",
        "a `fox`",
        "![a fox](fox.png)",
        "see [this](x)",
    ],
)
def test_markdown(text: str) -> None:
    assert kinds(text) == "markdown"


def test_the_prompt_again() -> None:
    assert kinds("A red fox.", prompt="a red  fox") == "same_as_prompt"


def test_several_at_once() -> None:
    assert kinds("Image of **a fox**\nin snow", limit=5) == "too_long opening line_breaks markdown"


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_checked(text: str, name: str, prompt: str) -> None:
    lint(text, limit=10, file_name=name, prompt=prompt)


@pytest.mark.parametrize("unit", ["a_", "__a ", "a-", "img1_a_", "{{", "\u7684", "sorry i ", '("'])
def test_no_text_is_slow_to_check(unit: str) -> None:
    started = time.process_time()
    kinds(unit * 5000 + "!")
    assert time.process_time() - started < 5
