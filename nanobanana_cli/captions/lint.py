"""Find faults of an alt text that show without a look at the picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import msgspec

# What screen readers announce already, in the main languages of Europe. The word for an image is
# enough where the language needs no preposition ("Zdjęcie lisa").
_OPENINGS = re.compile(
    r"""(?:
    (?:(?:this|here)\ is\ )?(?:an?\ |the\ |this\ )?(?:image|picture|photo|photograph|graphic)
        \ (?:of|shows|showing|depicts|depicting)
    | (?:auf\ dem\ |das\ |dieses\ |ein\ )?(?:bild|foto|fotografie|grafik)
        \ (?:von|vom|zeigt|eines|einer|des|der|ist)
    | (?:une?\ |cette\ |la\ |l')?(?:image|photo|photographie)
        \ (?:de|d'|du|des|montre|montrant|représentant)
    | (?:una\ |la\ |esta\ )?(?:imagen|foto|fotografía)\ (?:de|del|que|muestra|mostrando)
    | (?:un'|una\ |l'|la\ )?(?:immagine|foto|fotografia)
        \ (?:di|del|dello|della|dell'|che|mostra|raffigurante)
    | (?:uma\ |a\ )?(?:imagem|foto|fotografia)\ (?:de|do|da|dos|das|que|mostra|mostrando)
    | (?:een\ |de\ )?(?:afbeelding|foto|beeld|plaatje)\ (?:van|met|toont)
    | (?:en\ |ett\ |et\ )?(?:bild(?:en?|et)?|fotot?|fotografi|billede[tr]?)
        \ (?:av|af|på|viser|visar)
    | (?:zdjęcie|obraz|obrazek|fotografia|grafika)\ (?=\w)
    | (?:kuva|valokuva|kuvassa)\ (?=\w)
    | (?:obrázek|fotka|fotografie|snímek)\ (?=\w)
    | (?:kép|fénykép|fotó)\ (?=\w)
    | (?:o\ )?(?:imagine|fotografie|poză)\ (?:cu|a|de|care)
    | (?:μια\ |η\ )?(?:εικόνα|φωτογραφία)\ (?=\w)
    | (?:изображение|фото|фотография|картинка|снимок|зображення|світлина)\ (?=\w)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|webp|hei[cf]|gif|avif|svg|tiff?|bmp)"
    r"|(?:img|dsc[nf]?|pxl|image|screenshot|bildschirmfoto)[-_ ]?\d[\d_-]*",
    re.IGNORECASE,
)
_LINE_BREAK = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_MARKDOWN = re.compile(
    r"""
    \*\*\S | __\S.*\S__ | (?<!\w)[*_]\S(?:[^*_]*\S)?[*_](?!\w) | `[^`]+` | ```
    | !?\[[^\]]*\]\([^)]*\) | ^\#{1,6}\s | ^[-*+]\s | ^>\s
    """,
    re.VERBOSE | re.MULTILINE,
)


class Problem(msgspec.Struct, frozen=True):
    """One fault: a stable name for scripts, and a message."""

    kind: str
    message: str


def lint(
    text: str, *, limit: int, file_name: str | None = None, prompt: str | None = None
) -> tuple[Problem, ...]:
    """Return the faults of a text; none for a good one.

    Args:
        text: as a person or a model wrote it; white space at its ends is ignored.
        limit: the most characters.
        file_name: the image's, to report a text that only repeats it.
        prompt: the image's, to report a text that only repeats it.
    """
    text = text.strip()
    if not text:
        return (Problem("empty", "it is empty"),)
    return tuple(_found(text, limit, file_name, prompt))


def _found(text: str, limit: int, file_name: str | None, prompt: str | None) -> Iterator[Problem]:
    if len(text) > limit:
        yield Problem("too_long", f"it has {len(text)} characters, more than {limit}")
    if opening := _OPENINGS.match(text.replace("\u2019", "'")):
        start = text[: opening.end()].strip()
        yield Problem("opening", f'it starts with "{start}", which screen readers already announce')
    if _is_file_name(text, file_name):
        yield Problem("file_name", "it is a file name")
    if _LINE_BREAK.search(text):
        yield Problem("line_breaks", "it contains line breaks")
    if _MARKDOWN.search(text):
        yield Problem("markdown", "it contains Markdown")
    if prompt is not None and _bare(text) == _bare(prompt):
        yield Problem("same_as_prompt", "it repeats the prompt")


def _is_file_name(text: str, name: str | None) -> bool:
    if _FILE_NAME.fullmatch(text):
        return True
    return name is not None and text.casefold() in {
        PurePath(name).name.casefold(),
        PurePath(name).stem.casefold(),
    }


def _bare(text: str) -> str:
    """Return only what would be read aloud."""
    return " ".join(re.sub(r"[^\w]+", " ", text.casefold()).split())
