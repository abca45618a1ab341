"""A person's word counts: typed texts, edited text files, and what may replace what."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from support.texts import against, drawn, exiftool, save, told
from support.wire_server import WireServer

from nanobanana_cli.images.xmp import png


def texts() -> dict[str, str]:
    """Every text file with what it says."""
    return {str(path): path.read_text() for path in sorted(Path().rglob("*.txt"))}


def inside(path: str) -> str | None:
    return exiftool(path).get("AltTextAccessibility")


def test_a_typed_text_is_written_and_embedded_without_a_call_or_key(nb: Nb) -> None:
    save("a.png")
    run = nb("caption", "a.png", "--text", " My  fox. ", "--write", "--embed")
    assert (run.code, run.out) == (0, "My fox.\n")
    assert texts() == {"a.alt.txt": "My fox.\n"}
    assert inside("a.png") == "My fox."
    again = nb("caption", "a.png", "--text", "My fox.", "--write", "--embed", "--json")
    record = json.loads(again.out)
    assert (record["status"], record["alt_path"], record["attempts"]) == (
        *("skipped", "a.alt.txt"),
        0,
    )


@pytest.mark.parametrize(
    "data", [b"My fox.\n", "\ufeffMy fox.".encode(), "My fox.".encode("utf-16")]
)
def test_a_text_comes_from_a_file(nb: Nb, data: bytes) -> None:
    save("a.png")
    Path("mine.md").write_bytes(data)
    run = nb("caption", "a.png", "--text-file", "mine.md", "--embed")
    assert (run.code, run.out, inside("a.png")) == (0, "My fox.\n", "My fox.")
    run = nb("caption", "a.png", "--text-file", "-", "--write", stdin=data)
    assert Path("a.alt.txt").read_text() == "My fox.\n"


def test_a_text_file_may_be_a_pipe(nb_process: NbProcess) -> None:
    save("a.png")
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=("My fox.",))
    writer.start()
    run = nb_process("caption", "a.png", "--text-file", "pipe", "--write")
    writer.join(30)
    assert (run.code, run.out) == (0, "My fox.\n")


@pytest.mark.parametrize(
    "table",
    [
        'path,text\ni/a.png,"A fox, red."\ni/b.png,A hen.\n',
        "\ufeffPath;Width;Text\r\ni/a.png;8;A fox, red.\r\ni/b.png;8;A hen.\r\n",
        "text\tpath\nA fox, red.\ti/a.png\nA hen.\ti/b.png\n",
        'i/a.png,"A fox, red."\n\ni/b.png,A hen.\n',
    ],
)
@pytest.mark.parametrize("images", [(), ("-r", "i"), ("i/b.png", "i/a.png")])
def test_a_table_has_a_text_for_each_image(nb: Nb, table: str, images: tuple[str, ...]) -> None:
    save("i/a.png", "i/b.png")
    Path("mine.csv").write_text(table)
    run = nb("caption", *images, "--text-file", "mine.csv", "--write")
    assert run.code == 0
    assert sorted(run.out.splitlines()) == ["i/a.png\tA fox, red.", "i/b.png\tA hen."]
    assert texts() == {"i/a.alt.txt": "A fox, red.\n", "i/b.alt.txt": "A hen.\n"}


def test_what_was_put_out_as_a_table_comes_back(nb: Nb) -> None:
    """With texts that spreadsheets would take for formulas, and paths from another folder."""
    save("site/i/a.png", "site/i/=b.png")
    Path("site/i/a.alt.txt").write_text('-5 °C, "cold"\n')
    Path("site/i/=b.alt.txt").write_text("A hen.\n")
    options = ("--relative-to", "site")
    run = nb("caption", "-r", "site", "--write", "--as", "csv", *options)
    Path("mine.csv").write_text(run.out)
    before = texts()
    for path in Path("site").rglob("*.txt"):
        path.unlink()
    assert nb("caption", "--text-file", "mine.csv", "--write", *options).code == 0
    assert texts() == before


def test_an_empty_cell_is_not_filled_in_yet(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("mine.csv").write_text("path,text\na.png,\nb.png,A hen.\n")
    run = nb("caption", "--text-file", "mine.csv", "--write")
    assert (run.code, run.out, texts()) == (0, "b.png\tA hen.\n", {"b.alt.txt": "A hen.\n"})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,text\nnone.png,A fox.\n", "mine.csv:2: none.png: no such image"),
        ("path,text\na.png,A fox.\na.png,A hen.\n", "a.png has a text already: mine.csv:2"),
        ("path,text\na.png\n", "mine.csv:2: a row needs a path and a text"),
        ("path,text,lang\na.png,A fox.,de; drop\n", "mine.csv:2: 'de; drop' is not a language"),
        ("path,text\na.png,\n", "there are no texts in mine.csv"),
        ("path,text\n", "mine.csv holds no text"),
    ],
)
def test_a_wrong_table_changes_nothing(nb: Nb, table: str, message: str) -> None:
    save("a.png")
    Path("mine.csv").write_text(table)
    run = nb("caption", "--text-file", "mine.csv", "--write")
    assert (run.code, run.out, texts()) == (2, "", {})
    assert message in run.err.splitlines()[0]


def test_an_image_without_a_row_changes_nothing(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("mine.csv").write_text("path,text\na.png,A fox.\n")
    run = nb("caption", "a.png", "b.png", "--text-file", "mine.csv", "--write")
    assert (run.code, texts()) == (2, {})
    assert "b.png has no row in mine.csv" in run.err


def test_an_edited_text_file_is_embedded_in_place_of_the_older_text(nb: Nb) -> None:
    save("a.png", "b.png")
    with WireServer(told("A fox.")) as server:
        nb("caption", "a.png", "b.png", "--write", "--embed", env=against(server))
        Path("a.alt.txt").write_text("My fox,\nby hand.\n")
        for options in (("--embed",), ("--write", "--embed"), ("--embed", "--force")):
            run = nb("caption", "a.png", *options, env=against(server))
            assert (run.code, run.out) == (0, "My fox, by hand.\n")
            assert inside("a.png") == "My fox, by hand."
        assert len(server.requests) == 2
    assert inside("b.png") == "A fox."
    assert texts()["a.alt.txt"] == "My fox,\nby hand.\n"


def test_force_takes_the_text_inside_for_the_one_beside(nb: Nb) -> None:
    save("a.png")
    nb("caption", "a.png", "--text", "Inside.", "--embed")
    Path("a.alt.txt").write_text("Beside.\n")
    assert nb("caption", "a.png", "--write").out == "Beside.\n"
    run = nb("caption", "a.png", "--write", "--force")
    assert (run.code, run.out, texts()) == (0, "Inside.\n", {"a.alt.txt": "Inside.\n"})


@pytest.mark.parametrize("option", ["--write", "--embed"])
def test_force_with_nothing_to_replace_a_text_with_names_again(nb: Nb, option: str) -> None:
    save("a.png")
    nb("caption", "a.png", "--text", "A fox.", option)
    before = Path("a.png").read_bytes()
    with WireServer(told("Another.")) as server:
        run = nb("caption", "a.png", option, "--force", env=against(server))
        assert (run.code, run.out, server.requests) == (12, "", [])
        assert run.err.splitlines()[1:] == [
            *("hint: --again pays for a new text; --text takes yours", "Not charged."),
        ]
        assert (Path("a.png").read_bytes(), texts()) == (
            *(before,),
            {"a.alt.txt": "A fox.\n"} if option == "--write" else {},
        )
        run = nb("caption", "a.png", option, "--again", env=against(server))
        assert (run.code, run.out, len(server.requests)) == (0, "Another.\n", 1)
    if option == "--write":
        assert texts() == {"a.alt.txt": "Another.\n"}
    else:
        assert inside("a.png") == "Another."


def test_force_asks_for_what_is_missing_all_the_same(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("a.alt.txt").write_text("Mine.\n")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "b.png", "--write", "--force", env=against(server))
        assert (run.code, run.out, len(server.requests)) == (3, "b.png\tA fox.\n", 1)
    assert "1 of 2 texts were left as they are" in run.err
    assert "--again" in run.err
    assert texts() == {"a.alt.txt": "Mine.\n", "b.alt.txt": "A fox.\n"}


@pytest.mark.parametrize("options", [("--write",), ("--embed",), ("--write", "--embed")])
def test_a_typed_text_replaces_another_only_with_force(nb: Nb, options: tuple[str, ...]) -> None:
    save("a.png")
    assert nb("caption", "a.png", "--text", "Old.", *options).code == 0
    before = (Path("a.png").read_bytes(), texts())
    run = nb("caption", "a.png", "--text", "New.", *options)
    assert (run.code, run.out) == (12, "")
    assert run.err.endswith('exists already: "Old."\nhint: --force replaces it\nNot charged.\n')
    assert (Path("a.png").read_bytes(), texts()) == before
    run = nb("caption", "a.png", "--text", "New.", *options, "--force")
    assert (run.code, run.out) == (0, "New.\n")
    assert "--write" not in options or texts() == {"a.alt.txt": "New.\n"}
    assert "--embed" not in options or inside("a.png") == "New."


def test_a_typed_text_that_the_file_says_already_is_embedded_without_force(nb: Nb) -> None:
    save("a.png")
    nb("caption", "a.png", "--text", "Old.", "--embed")
    Path("a.alt.txt").write_text("New.\n")
    assert nb("caption", "a.png", "--text", "New.", "--write", "--embed").code == 0
    assert inside("a.png") == "New."


def test_the_hint_for_a_new_image_without_a_text_repeats_the_options(nb: Nb) -> None:
    with WireServer(drawn(None)) as server:
        run = nb(
            *("caption", "a fox", "-o", "f.png", "--style", "long", "--lang", "de", "--write"),
            "--embed",
            env=against(server),
        )
    assert run.code == 9
    assert "nb caption f.png --style long --lang de --write --embed" in run.err


def test_a_typed_text_may_be_doubtful_and_is_said_to_be(nb: Nb) -> None:
    save("a.png")
    run = nb("caption", "a.png", "--text", "Image of a fox", "--write")
    assert (run.code, texts()) == (0, {"a.alt.txt": "Image of a fox\n"})
    assert "the alt text may be wrong" in run.err


def test_again_pays_for_a_decorative_image_too(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("")
    with WireServer(told("A line.")) as server:
        assert nb("caption", "a.png", env=against(server)).out == "\n"
        assert nb("caption", "a.png", "--again", env=against(server)).out == "A line.\n"
        nb("caption", "a.png", "--write", "--again", env=against(server))
    assert texts() == {"a.alt.txt": "A line.\n"}


@pytest.mark.parametrize(
    "options",
    [
        ("a.png", "--text", "x"),
        ("a.png", "--text", "", "--write"),
        ("a.png", "b.png", "--text", "x", "--write"),
        ("a.png", "--text", "x", "--text-file", "t.txt", "--write"),
        ("a.png", "--text", "x", "--again", "--write"),
        ("a.png", "--text", "x", "--decorative", "--write"),
        ("a.png", "--text", "x", "--lang", "en,de", "--write"),
        ("a.png", "--text", "x", "--check"),
        ("a.png", "--text-file", "none.txt", "--write"),
        ("a.png", "--text-file", "latin-1.txt", "--write"),
        ("a.png", "--again", "--force", "--write"),
        ("a.png", "--again", "--read"),
        ("a.png", "--force"),
        ("a.png", "--break-signature"),
        ("-", "--text", "x", "--write"),
        ("a red fox", "--text", "x", "--write"),
        ("a red fox", "-o", "b.png", "--again"),
        ("--prompt-file", "t.txt", "--text", "x", "-o", "c.png"),
    ],
)
def test_what_these_options_do_not_go_with(nb: Nb, options: tuple[str, ...]) -> None:
    save("a.png", "b.png")
    before = Path("a.png").read_bytes()
    Path("t.txt").write_text("x")
    Path("latin-1.txt").write_bytes(b"Z\xfcrich")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", *options, env=against(server))
    assert (run.code, run.out, server.requests) == (2, "", [])
    assert "hint: " in run.err
    assert Path("a.png").read_bytes() == before
    assert not Path("a.alt.txt").exists()


def test_a_dry_run_shows_only_the_calls_that_would_be_made(nb: Nb) -> None:
    save("a.png", "b.png", "c.webp", "d.png", "e.png", "d.webp")
    Path("a.alt.txt").write_text("Mine.\n")
    Path("b.alt.txt").write_text("")
    nb("caption", "c.webp", "--text", "Inside.", "--embed")
    images = ("a.png", "b.png", "c.webp", "d.png", "d.webp", "e.png")
    run = nb("caption", *images, "--write", "--dry-run")
    assert (run.code, run.out.count('"contents"')) == (0, 2)
    assert run.err == "nothing was sent; 2 texts would cost at most $0.116\n"
    run = nb("caption", *images, "--write", "--curl")
    assert run.out.count("curl ") == 2
    run = nb("caption", "a.png", "--write", "--dry-run")
    assert (run.code, run.out, run.err) == (0, "", "nothing was sent; no text needs a call\n")
    run = nb("caption", "a.png", "--text", "Other.", "--write", "--force", "--dry-run")
    assert (run.code, run.out, run.err) == (0, "", "nothing was sent; no text needs a call\n")
    assert texts() == {"a.alt.txt": "Mine.\n", "b.alt.txt": ""}


def test_a_dry_run_names_what_would_be_refused_before_its_call(nb: Nb) -> None:
    save("a.png", "b.png", "c.png")
    Path("b.png").write_bytes(png.with_packet(Path("b.png").read_bytes(), b"<x:xmpmeta>"))
    run = nb("caption", "a.png", "b.png", "c.png", "--embed", "--dry-run")
    assert (run.code, run.out.count('"contents"')) == (3, 2)
    assert "b.png: cannot embed text" in run.err
    assert "nothing was sent; 2 texts would cost at most $0.116\n" in run.err
    # The real run makes as many.
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "b.png", "c.png", "--embed", env=against(server))
    assert (run.code, len(server.requests)) == (3, 2)
