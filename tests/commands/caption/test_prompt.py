"""`nb caption PROMPT`: the text is the result, the image comes with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import picture
from support.texts import against, body, drawn, exiftool
from support.wire_server import WireServer


def test_the_text_is_on_stdout_and_the_image_in_its_file(nb: Nb) -> None:
    image = picture(1024, 1024)
    with WireServer(drawn("A red fox in snow.", image)) as server:
        run = nb("caption", "a red fox", "-o", "hero.png", env=against(server))
    assert (run.code, run.out) == (0, "A red fox in snow.\n")
    assert run.err.startswith("hero.png  1024×1024  ")
    assert Path("hero.png").read_bytes() == image
    assert [path.name for path in Path().iterdir()] == ["hero.png"]
    assert body(server)["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "1:1", "imageSize": "1K"},
    }


def test_the_options_of_generate_apply(nb: Nb) -> None:
    Path("ref.png").write_bytes(picture())
    with WireServer(drawn("A fox.", picture(1376, 768))) as server:
        run = nb(
            *("caption", "a fox", "-a", "16:9", "-i", "ref.png", "--thinking", "high"),
            *("--system", "be brief", "--temperature", "1", "--seed", "7", "-o", "f.png", "-q"),
            env=against(server),
        )
    assert (run.code, run.out, run.err) == (0, "A fox.\n", "")
    sent = body(server)
    assert sent["generationConfig"]["imageConfig"]["aspectRatio"] == "16:9"
    assert sent["systemInstruction"]["parts"][0]["text"] == "be brief"
    assert len(sent["contents"][0]["parts"]) == 2


def test_style_length_language_and_context_are_told(nb: Nb) -> None:
    Path("page.md").write_text("# Foxes of the north")
    with WireServer(drawn("Ein Fuchs.")) as server:
        nb(
            *("caption", "a fox", "--style", "long", "--max-chars", "300", "--lang", "de-CH"),
            *("--context-file", "page.md"),
            env=against(server),
        )
    text = body(server)["contents"][0]["parts"][0]["text"]
    assert "At most 300 characters. Language: de-CH." in text
    assert "<context>\n# Foxes of the north\n</context>" in text
    assert "A full description" in text


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", 'A "fox" [1]\n'),
        ("markdown", '![A "fox" \\[1\\]](f.png)\n'),
        ("html", '<img src="f.png" alt="A &quot;fox&quot; [1]" width="1024" height="1024" />\n'),
        ("csv", 'path,text,width,height\nf.png,"A ""fox"" [1]",1024,1024\n'),
    ],
)
def test_forms(nb: Nb, form: str, expected: str) -> None:
    with WireServer(drawn('A "fox" [1]')) as server:
        run = nb("caption", "a fox", "-o", "f.png", "--as", form, env=against(server))
    assert (run.code, run.out) == (0, expected)


@pytest.mark.parametrize("option", [("--json",), ("--as", "json")])
def test_json(nb: Nb, option: tuple[str, ...]) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("caption", "a fox", "-o", "f.png", *option, env=against(server))
    record = json.loads(run.out)
    assert (record["path"], record["alt"], record["prompt"]) == ("f.png", "A fox.", "a fox")
    assert record["alt_path"] is None


def test_several_have_their_paths(nb: Nb) -> None:
    with WireServer(drawn("One."), drawn("Two.")) as server:
        run = nb("caption", "a fox", "-n", "2", "-o", "f.png", env=against(server))
    lines = dict(line.split("\t") for line in run.out.splitlines())
    assert sorted(lines) == ["f-1.png", "f-2.png"]
    assert set(lines.values()) == {"One.", "Two."}


def test_write_and_embed(nb: Nb) -> None:
    with WireServer(drawn("Ein Fuchs.")) as server:
        run = nb(
            *("caption", "a fox", "-o", "f.png", "--write", "--embed", "--lang", "de"),
            env=against(server),
        )
    assert (run.code, run.out) == (0, "Ein Fuchs.\n")
    assert Path("f.alt.txt").read_text() == "Ein Fuchs.\n"
    seen = exiftool("f.png")
    assert seen["AltTextAccessibility"] == "Ein Fuchs."
    assert seen["AltTextAccessibility-de"] == "Ein Fuchs."
    assert seen["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")


def test_a_prompt_that_looks_like_a_file_comes_from_a_file(nb: Nb) -> None:
    Path("p.txt").write_text("a poster of fox.png")
    with WireServer(drawn("A poster.")) as server:
        run = nb("caption", "--prompt-file", "p.txt", "-o", "f.png", env=against(server))
        assert run.code == 0
        run = nb(
            *("caption", "--prompt-file", "-", "-o", "g.png"),
            stdin=b"fox.png",
            env=against(server),
        )
    assert run.code == 0
    assert "<prompt>\nfox.png\n</prompt>" in body(server, 1)["contents"][0]["parts"][0]["text"]


def test_without_a_text_the_image_stays(nb: Nb) -> None:
    with WireServer(drawn(None)) as server:
        run = nb("caption", "a fox", "-o", "f.png", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert Path("f.png").exists()
    assert "hint: request the text alone, in another call: nb caption f.png" in run.err


@pytest.mark.parametrize(
    "options",
    [
        ("a fox", "-o", "-"),
        ("a fox", "-r"),
        ("a fox", "--prompt-file", "p.txt"),
        ("a fox", "b.png", "--prompt-file", "p.txt"),
        ("a fox", "--style", "haiku"),
        ("a fox", "--as", "xml"),
        ("a fox", "--as", "html", "--json"),
        ("a fox", "--lang", "de; drop"),
        ("a fox", "--style", "tags", "--embed"),
        ("a fox", "--context", "x", "--context-file", "p.txt"),
        ("a fox", "--context-file", "none.txt"),
        ("a fox", "--context-file", "latin-1.txt"),
        ("a fox", "--max-chars", "0"),
        ("a fox", "--dry-run", "--curl"),
        ("a", "red", "fox"),
        ("fox.png",),
        ("img/",),
        (),
    ],
)
def test_what_cannot_be_is_found_before_the_call(nb: Nb, options: tuple[str, ...]) -> None:
    Path("p.txt").write_text("x")
    Path("latin-1.txt").write_bytes(b"Z\xfcrich")
    with WireServer(drawn("A fox.")) as server:
        run = nb("caption", *options, env=against(server))
    assert (run.code, run.out, server.requests) == (2, "", [])
    assert "harged" not in run.err


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["fox"], "fox: no such image", "or make a new image: nb generate fox --alt"),
        (["IMG_1234", "-o", "f.png"], "IMG_1234: no such image", "nb generate IMG_1234 --alt"),
        (["fotos", "-r"], "fotos: no such file or folder", "check the name"),
        (["my fotos", "-r", "--write"], "my fotos: no such file or folder", "check the name"),
        (["my fotos/", "--embed"], "my fotos/: no such file or folder", "check the name"),
        (["holiday foto", "--write"], "--write is for images that exist", "'holiday foto' --alt"),
        (["holiday foto", "--embed"], "--embed is for images that exist", "'holiday foto' --alt"),
    ],
)
def test_a_typo_spends_nothing(nb: Nb, arguments: list[str], message: str, hint: str) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("caption", *arguments, env=against(server))
    assert (run.code, run.out, server.requests) == (2, "", [])
    first, second = run.err.splitlines()
    assert (first[:4], second[:6]) == ("nb: ", "hint: ")
    assert message in first
    assert hint in second


@pytest.mark.parametrize("option", ["-o", "-i"])
def test_what_says_that_an_image_is_to_be_made_allows_write(nb: Nb, option: str) -> None:
    Path("ref.png").write_bytes(picture())
    with WireServer(drawn("A fox.")) as server:
        file = "f.png" if option == "-o" else "ref.png"
        run = nb("caption", "a red fox", option, file, "--write", env=against(server))
    assert (run.code, run.out, len(server.requests)) == (0, "A fox.\n", 1)


def test_the_nearest_choice_is_named(nb: Nb) -> None:
    run = nb("caption", "a fox", "--style", "titel")
    assert "did you mean title?" in run.err


def test_the_sandbox_answers(nb: Nb) -> None:
    run = nb("caption", "a red fox", "-o", "f.png", "-s", "0.5K", "--provider", "sandbox")
    assert run.code == 0
    assert run.out.startswith("A red fox, ")
    again = nb("caption", "f.png", "--provider", "sandbox")
    assert again.out == run.out
