"""`nb caption --lang` and `--style`: each language and each style has places of its own."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import failed
from support.texts import against, body, drawn, exiftool, save, told
from support.tools import require
from support.wire_server import WireServer

TEXTS = {"en": "A fox in the snow.", "de": "Ein Fuchs im Schnee.", "fr": "Un renard dans la neige."}
ALL = [told(text) for text in TEXTS.values()]


def texts() -> dict[str, str]:
    """Every text file with what it says, without the line end."""
    return {str(path): path.read_text().strip() for path in sorted(Path().rglob("*.txt"))}


def asked(server: WireServer) -> list[str]:
    """The languages that were asked for, in order."""
    sent = [body(server, n)["contents"][0]["parts"][1]["text"] for n in range(len(server.requests))]
    return [found[1] if (found := re.search(r"Language: (.+?)\.", text)) else "" for text in sent]


def entries(path: str, field: str = "AltTextAccessibility") -> dict[str, str]:
    """The alternatives by language, on which exiftool and exiv2 must agree."""
    found = {
        name.removeprefix(field).lstrip("-") or "x-default": text
        for name, text in exiftool(path).items()
        if re.fullmatch(rf"{field}(-[a-z]{{2}}(-[A-Z]{{2}})?)?", name)
    }
    command = [require("exiv2"), "-Pt", "-K", f"Xmp.iptc.{field}", path]
    run = subprocess.run(command, capture_output=True, check=False, text=True)
    assert dict(re.findall(r'lang="([^"]+)" (.*?)(?:, (?=lang=)|$)', run.stdout.strip())) == found
    return found


def test_a_call_for_each_language_of_each_image(nb: Nb) -> None:
    save("a.png", "b.jpg")
    with WireServer(*ALL, *ALL) as server:
        argv = ("caption", "a.png", "b.jpg", "--lang", "en, de,fr,DE", "--write", "--embed")
        run = nb(*argv, "--concurrency", "1", env=against(server))
        assert asked(server) == [*TEXTS, *TEXTS]
        assert (run.code, run.out.splitlines()) == (
            0,
            [
                f"{name}\t{lang}\t{text}"
                for name in ("a.png", "b.jpg")
                for lang, text in TEXTS.items()
            ],
        )
        assert texts() == {f"{x}.{lang}.alt.txt": TEXTS[lang] for x in "ab" for lang in TEXTS} | {}
        for name in ("a.png", "b.jpg"):
            assert entries(name) == {"x-default": TEXTS["en"], **TEXTS}
        assert "6 texts would cost" in run.err
        # Nothing is missing now, in whatever order or number.
        for langs in ("en,de,fr", "fr,de", "de", "German", "de-AT,fr"):
            again = nb("caption", "a.png", "b.jpg", "--lang", langs, "--embed", env=against(server))
            assert again.code == 0
        again = nb("caption", "a.png", "--lang", "de", "--write", env=against(server))
        assert (again.out, len(server.requests)) == (f"{TEXTS['de']}\n", 6)
        assert len(texts()) == 6


def test_texts_that_come_at_the_same_time_are_all_embedded(nb: Nb) -> None:
    save("a.png")
    langs = ["en", "de", "fr", "es", "pt", "it", "nl", "sv"]
    with WireServer(told("Logo Acme", company=len(langs))) as server:
        run = nb("caption", "a.png", "--lang", ",".join(langs), "--embed", env=against(server))
    assert (run.code, sorted(entries("a.png"))) == (0, sorted([*langs, "x-default"]))


def test_the_first_language_is_the_default_whichever_comes_first(nb: Nb) -> None:
    save("a.png")
    Path("a.fr.alt.txt").write_text(TEXTS["fr"])
    argv = ("caption", "a.png", "--lang", "de,fr", "--embed", "--concurrency", "1")
    with WireServer(failed(400, "no"), ALL[1]) as server:
        assert nb(*argv, env=against(server)).code == 3
        assert entries("a.png") == {"fr": TEXTS["fr"]}
        assert nb("caption", "--read", "a.png").out == f"{TEXTS['fr']}\n"
        assert nb(*argv, env=against(server)).code == 0
    assert entries("a.png") == {"x-default": TEXTS["de"], "de": TEXTS["de"], "fr": TEXTS["fr"]}


def test_only_the_missing_language_is_paid_for(nb: Nb) -> None:
    save("a.png")
    with WireServer(ALL[0], failed(400, "no"), ALL[2], ALL[1]) as server:
        argv = ("caption", "a.png", "--lang", "en,de,fr", "--write", "--concurrency", "1")
        run = nb(*argv, env=against(server))
        assert run.code == 3
        assert "nb: 1 of 3 texts are missing" in run.err
        shown = nb(*argv, "--dry-run")
        assert (shown.code, shown.out.count("Language: de.")) == (0, 1)
        assert shown.err == "nothing was sent; 1 text would cost at most $0.058\n"
        run = nb(*argv, env=against(server))
    assert (run.code, asked(server)) == (0, ["en", "de", "fr", "de"])
    assert texts() == {f"a.{lang}.alt.txt": text for lang, text in TEXTS.items()}


def test_a_single_language_has_no_suffix(nb: Nb) -> None:
    save("a.png")
    with WireServer(ALL[1]) as server:
        nb("caption", "a.png", "--lang", "de", "--write", env=against(server))
        again = nb("caption", "a.png", "--lang", "German", "--write", env=against(server))
        assert (again.code, len(server.requests)) == (0, 1)
    assert texts() == {"a.alt.txt": TEXTS["de"]}


def test_a_text_in_another_language_is_not_there(nb: Nb) -> None:
    save("a.png")
    with WireServer(ALL[0], ALL[1]) as server:
        nb("caption", "a.png", "--write", env=against(server))
        for _ in range(2):
            run = nb("caption", "a.png", "--write", "--lang", "de", env=against(server))
            assert (run.code, run.out) == (0, f"{TEXTS['de']}\n")
        assert len(server.requests) == 2
    assert texts() == {"a.alt.txt": TEXTS["en"], "a.de.alt.txt": TEXTS["de"]}


@pytest.mark.parametrize("first", [(), ("--lang", "en")])
def test_an_embedded_text_in_another_language_is_not_there(nb: Nb, first: tuple[str, ...]) -> None:
    save("a.png")
    with WireServer(ALL[0], ALL[1]) as server:
        nb("caption", "a.png", "--embed", *first, env=against(server))
        for _ in range(2):
            run = nb("caption", "a.png", "--embed", "--lang", "de", env=against(server))
            assert (run.code, run.out) == (0, f"{TEXTS['de']}\n")
        assert len(server.requests) == 2
    known = {"en": TEXTS["en"]} if first else {}
    assert entries("a.png") == {"x-default": TEXTS["en"], "de": TEXTS["de"], **known}


def test_a_text_without_any_sign_of_its_language_counts_for_one_not_for_several(nb: Nb) -> None:
    save("a.png")
    nb("caption", "a.png", "--text", "Logo Acme", "--write", "--embed")
    with WireServer(*ALL) as server:
        run = nb("caption", "a.png", "--write", "--embed", "--lang", "de", env=against(server))
        assert (run.code, run.out, server.requests) == (0, "Logo Acme\n", [])
        run = nb("caption", "a.png", "--embed", "--lang", "en,de", env=against(server))
        assert (run.code, len(server.requests)) == (0, 2)


def test_an_edited_text_replaces_that_of_its_language_alone(nb: Nb) -> None:
    save("a.png")
    for lang, text in TEXTS.items():
        Path(f"a.{lang}.alt.txt").write_text(text)
    assert nb("caption", "a.png", "--lang", "en,de,fr", "--embed").code == 0
    Path("a.de.alt.txt").write_text("Mein Fuchs.\n")
    assert nb("caption", "a.png", "--lang", "de,fr", "--embed").code == 0
    expected = {"x-default": TEXTS["en"], **TEXTS, "de": "Mein Fuchs."}
    assert entries("a.png") == expected
    Path("a.en.alt.txt").write_text("My fox.\n")
    assert nb("caption", "a.png", "--lang", "en", "--embed").code == 0
    assert entries("a.png") == {**expected, "x-default": "My fox.", "en": "My fox."}


def test_texts_of_other_programs_stay(nb: Nb) -> None:
    save("a.jpg")
    exiftool_run(
        "-XMP-iptcCore:AltTextAccessibility=A fox",
        "-XMP-iptcCore:AltTextAccessibility-pt-BR=Uma",
        "a.jpg",
    )
    assert nb("caption", "a.jpg", "--text", "Ein Fuchs.", "--lang", "de", "--embed").code == 0
    assert entries("a.jpg") == {"x-default": "A fox", "pt-BR": "Uma", "de": "Ein Fuchs."}
    # In the language that it was asked for, it is that entry that changes.
    argv = ("caption", "a.jpg", "--text", "Uma raposa.", "--lang", "pt", "--embed")
    assert nb(*argv).code == 12
    assert nb(*argv, "--force").code == 0
    assert entries("a.jpg") == {"x-default": "A fox", "pt-BR": "Uma raposa.", "de": "Ein Fuchs."}


def exiftool_run(*argv: str) -> None:
    subprocess.run([require("exiftool"), "-q", "-overwrite_original", *argv], check=True)


def test_a_table_may_name_languages(nb: Nb) -> None:
    save("a.png")
    rows = "".join(f'a.png,"{text}",{lang}\n' for lang, text in TEXTS.items())
    Path("mine.csv").write_text(f"path,text,lang\n{rows}")
    run = nb("caption", "--text-file", "mine.csv", "--write", "--embed")
    assert run.code == 0
    assert entries("a.png") == {"x-default": TEXTS["en"], **TEXTS}
    # And comes back as it went in.
    argv = ("caption", "a.png", "--lang", "en,de,fr", "--write", "--as", "csv")
    lines = nb(*argv).out.splitlines()
    assert lines == ["path,text,width,height,lang"] + [
        f"a.png,{text},8,8,{lang}" for lang, text in TEXTS.items()
    ]
    before = texts()
    Path("mine.csv").write_text("\n".join(lines))
    assert nb("caption", "--text-file", "mine.csv", "--write").code == 0
    assert texts() == before


def test_read_by_language(nb: Nb) -> None:
    save("a.png", "b.png")
    for lang, text in TEXTS.items():
        nb("caption", "a.png", "--lang", lang, "--text", text, "--embed")
    nb("caption", "b.png", "--text", TEXTS["de"], "--embed")
    assert nb("caption", "--read", "a.png", "--lang", "de").out == f"{TEXTS['de']}\n"
    assert nb("caption", "--read", "a.png", "--lang", "de-CH").out == f"{TEXTS['de']}\n"
    assert nb("caption", "--read", "a.png").out == f"{TEXTS['en']}\n"
    # Without a language, as far as its words tell.
    assert nb("caption", "--read", "b.png", "--lang", "de").out == f"{TEXTS['de']}\n"
    run = nb("caption", "--read", "a.png", "b.png", "--lang", "fr")
    assert (run.code, run.out) == (3, f"a.png\t{TEXTS['fr']}\n")
    assert "note: b.png has no embedded alt text in fr" in run.err
    run = nb("caption", "--read", "a.png", "--lang", "fr,de,es")
    assert (run.code, run.out.splitlines()) == (
        3,
        [f"a.png\t{lang}\t{TEXTS[lang]}" for lang in ("fr", "de")],
    )
    record = json.loads(nb("caption", "--read", "a.png", "--lang", "de", "--json").out)
    assert (record["alt"], record["lang"]) == (TEXTS["de"], "de")


def test_check_by_language(nb: Nb) -> None:
    save("a.png")
    Path("a.en.alt.txt").write_text(TEXTS["en"])
    Path("a.de.alt.txt").write_text("Bild eines Fuchses")
    run = nb("caption", "--check", "a.png", "--lang", "en,de,fr")
    assert run.code == 3
    said = run.out.splitlines()
    assert len(said) == 2
    assert said[0].startswith("a.png\tde\t")
    assert said[1] == "a.png\tfr\tit has no alt text in fr"
    assert run.err.startswith("nb: problems found in 1 of 1 image\n")
    assert nb("caption", "--check", "a.png", "--lang", "en").code == 0
    run = nb("caption", "--check", "a.png")
    assert (run.code, run.out) == (3, "a.png\tit has no alt text without --lang de,en\n")
    run = nb("caption", "--check", "a.png", "--style", "long")
    assert (run.code, run.out) == (3, "a.png\tit has no description\n")
    Path("a.long.txt").write_text("A fox stands in the snow at dawn. Its fur is red.")
    assert nb("caption", "--check", "a.png", "--style", "long").code == 0
    lines = nb("caption", "--check", "a.png", "--lang", "en,fr", "--json").out.splitlines()
    assert [json.loads(line)["lang"] for line in lines] == ["en", "fr"]


def test_json_names_the_language(nb: Nb) -> None:
    save("a.png")
    with WireServer(ALL[1]) as server:
        run = nb("caption", "a.png", "--lang", "German", "--json", env=against(server))
        record = json.loads(run.out)
        assert (record["alt"], record["lang"]) == (TEXTS["de"], "de")
        run = nb("caption", "a.png", "--lang", "de,fr", "--json", env=against(server))
    assert [json.loads(line)["lang"] for line in run.out.splitlines()] == ["de", "fr"]


@pytest.mark.parametrize(
    ("style", "field"),
    [
        ("alt", "AltTextAccessibility"),
        ("long", "ExtDescrAccessibility"),
        ("title", None),
        ("tags", None),
    ],
)
def test_each_style_has_places_of_its_own(nb: Nb, style: str, field: str | None) -> None:
    save("a.png")
    others = {
        f"a.{other}.txt": other for other in ("alt", "long", "title", "tags") if other != style
    }
    for name, text in others.items():
        Path(name).write_text(text)
    with WireServer(told("A fox in the snow, by day.")) as server:
        options = ("--style", style, "--write", *(["--embed"] if field else []))
        for _ in range(2):
            run = nb("caption", "a.png", *options, env=against(server))
            assert (run.code, run.out, len(server.requests)) == (
                0,
                "A fox in the snow, by day.\n",
                1,
            )
    assert texts() == {**others, f"a.{style}.txt": "A fox in the snow, by day."}
    if field:
        assert entries("a.png", field) == {"x-default": "A fox in the snow, by day."}
        Path(f"a.{style}.txt").write_text("Mine.\n")
        assert nb("caption", "a.png", "--style", style, "--embed").code == 0
        assert entries("a.png", field) == {"x-default": "Mine."}
        assert nb("caption", "--read", "a.png", "--style", style).out == "Mine.\n"


def test_styles_and_languages_together(nb: Nb) -> None:
    save("a.png")
    with WireServer(
        told("Ein langer Text über den Fuchs."), told("A long text of the fox.")
    ) as server:
        argv = ("caption", "a.png", "--style", "long", "--lang", "de,en", "--write", "--embed")
        assert nb(*argv, "--concurrency", "1", env=against(server)).code == 0
    assert sorted(texts()) == ["a.de.long.txt", "a.en.long.txt"]
    assert sorted(entries("a.png", "ExtDescrAccessibility")) == ["de", "en", "x-default"]
    assert entries("a.png") == {}


def test_an_empty_text_says_decorative_in_every_style_and_language(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("")
    with WireServer(told("A line.")) as server:
        for options in (("--style", "long"), ("--lang", "de,en"), ("--lang", "de")):
            run = nb("caption", "a.png", "--write", *options, env=against(server))
            assert (run.code, server.requests) == (0, [])
    assert texts() == {"a.alt.txt": ""}
    assert nb("caption", "--check", "a.png", "--lang", "de,en").code == 0
    Path("a.alt.txt").rename("a.de.alt.txt")
    with WireServer(told("A line.")) as server:
        for place in ((), ("--write",), ("--embed",)):
            run = nb("caption", "a.png", "--lang", "de", *place, "--json", env=against(server))
            record = json.loads(run.out)
            assert (record["alt"], record["alt_path"], server.requests) == ("", "a.de.alt.txt", [])


def test_a_new_image_gets_one_language(nb: Nb) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("caption", "a red fox", "-o", "f.png", "--lang", "en,de", env=against(server))
        assert (run.code, server.requests) == (2, [])
        assert "--lang en,de" in run.err.splitlines()[1]
        argv = ("caption", "a red fox", "-o", "f.png", "--style", "long", "--write")
        assert nb(*argv, env=against(server)).code == 0
    assert texts() == {"f.long.txt": "A fox."}


@pytest.mark.parametrize("langs", ["en,", "en,de; drop", ",", "en,Klingon"])
def test_what_is_no_language_is_found_before_the_call(nb: Nb, langs: str) -> None:
    save("a.png")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "--lang", langs, env=against(server))
    assert (run.code, run.out, server.requests) == (2, "", [])
    assert "--lang" in run.err
