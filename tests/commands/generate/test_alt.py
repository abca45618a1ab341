"""`nb generate --alt`: the image first, and nothing that the text does can cost it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import picture
from support.texts import against, body, drawn
from support.wire_server import WireServer


def test_image_and_text_come_from_one_call(nb: Nb) -> None:
    image = picture(1024, 1024)
    with WireServer(drawn("A red fox in snow.", image)) as server:
        run = nb("generate", "a fox", "-o", "fox.png", "--alt", env=against(server))
    assert (run.code, run.out) == (0, "fox.png\nfox.alt.txt\n")
    assert Path("fox.png").read_bytes() == image
    assert Path("fox.alt.txt").read_text() == "A red fox in snow.\n"
    (_,) = server.requests
    sent = body(server)
    assert sent["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]
    text = sent["contents"][0]["parts"][0]["text"]
    assert text.endswith("<prompt>\na fox\n</prompt>")
    assert "alt text and nothing else" in text


def test_the_json_line_has_text_and_path_and_the_prompt_as_typed(nb: Nb) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", "-o", "f.png", "--alt", "--json", env=against(server))
    record = json.loads(run.out)
    assert (record["alt"], record["alt_path"]) == ("A fox.", "f.alt.txt")
    assert record["prompt"] == "a fox"


def test_the_text_can_have_a_name_of_its_own(nb: Nb) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", "-o", "f.png", "--alt-file", "t.txt", env=against(server))
    assert (run.code, run.out) == (0, "f.png\nt.txt\n")
    assert Path("t.txt").read_text() == "A fox.\n"


def test_stdout_is_no_place_for_the_text(nb: Nb) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", "-o", "f.png", "--alt-file", "-", env=against(server))
    assert (run.code, run.out, server.requests) == (2, "", [])
    assert run.err.startswith("nb: --alt-file - would mix the text with paths on stdout\nhint: ")
    assert list(Path().iterdir()) == []


def test_several_images_have_a_text_each(nb: Nb) -> None:
    with WireServer(drawn("One."), drawn("Two.")) as server:
        run = nb("generate", "a fox", "-n", "2", "-o", "f.png", "--alt", env=against(server))
    assert run.code == 0
    assert {Path(f"f-{n}.alt.txt").read_text() for n in (1, 2)} == {"One.\n", "Two.\n"}


def test_a_name_made_from_the_prompt_goes_for_the_text_too(nb: Nb) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", "--alt", env=against(server))
    assert run.out == "a-fox.png\na-fox.alt.txt\n"


def test_an_image_on_stdout_is_alone_there(nb: Nb) -> None:
    image = picture(1024, 1024)
    with WireServer(drawn("A fox.", image)) as server:
        run = nb("generate", "a fox", "-o", "-", "--alt-file", "f.txt", env=against(server))
    assert (run.code, run.raw) == (0, image)
    assert Path("f.txt").read_text() == "A fox.\n"


@pytest.mark.parametrize("text", [None, "", " \n", "Alt text:", '""'])
def test_without_a_text_the_image_stays(nb: Nb, text: str | None) -> None:
    with WireServer(drawn(text)) as server:
        run = nb("generate", "a fox", "-o", "my fox.png", "--alt", env=against(server))
    assert (run.code, run.out) == (9, "my fox.png\n")
    assert run.err.splitlines()[1:] == [
        "nb: the service sent no text",
        "hint: request the text alone, in another call: nb caption 'my fox.png' --write",
        "Charged.",
    ]
    assert [path.name for path in Path().iterdir()] == ["my fox.png"]


def test_without_a_text_the_json_line_has_path_and_error(nb: Nb) -> None:
    with WireServer(drawn(None)) as server:
        run = nb("generate", "a fox", "-o", "f.png", "--alt", "--json", env=against(server))
    record = json.loads(run.out)
    assert (record["path"], record["status"], record["alt"]) == ("f.png", "written", None)
    assert record["error"]["code"] == run.code == 9
    assert record["error"]["charged"] == "yes"


def test_what_is_harmless_is_mended_and_the_rest_is_noted(nb: Nb) -> None:
    answer = '**Alt text:** "Image of a\n red  fox"\x1b[0m'
    with WireServer(drawn(answer)) as server:
        run = nb("generate", "a fox", "-o", "f.png", "--alt", env=against(server))
    assert run.code == 0
    assert Path("f.alt.txt").read_text() == "Image of a red fox\n"
    assert 'f.png: the alt text may be wrong: it starts with "Image of"' in run.err


def test_a_text_like_the_prompt_is_noted(nb: Nb) -> None:
    with WireServer(drawn("A fox!")) as server:
        run = nb("generate", "a fox", "-o", "f.png", "--alt", env=against(server))
    assert "it repeats the prompt" in run.err


def test_a_text_that_is_there_is_found_before_the_call(nb: Nb) -> None:
    Path("fox.alt.txt").write_text("mine")
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", "-o", "fox.png", "--alt", env=against(server))
        assert (run.code, server.requests) == (12, [])
        assert run.err.splitlines()[0] == "nb: fox.alt.txt exists already"
        run = nb("generate", "a fox", "-o", "fox.png", "--alt", "--force", env=against(server))
    assert run.code == 0
    assert Path("fox.alt.txt").read_text() == "A fox.\n"


def test_an_image_that_is_there_is_left_alone_with_its_text(nb: Nb) -> None:
    Path("fox.png").write_bytes(picture())
    Path("fox.alt.txt").write_text("mine")
    run = nb("generate", "a fox", "-o", "fox.png", "--alt", "--skip-existing")
    assert (run.code, run.out) == (0, "fox.png\nfox.alt.txt\n")


def test_an_unnamed_image_never_replaces_a_stray_text(nb: Nb) -> None:
    Path("a-fox.alt.txt").write_text("mine")
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", "--alt", env=against(server))
    assert (run.code, run.out) == (0, "a-fox.png\na-fox.alt-2.txt\n")
    assert Path("a-fox.alt.txt").read_text() == "mine"
    assert "a-fox.alt.txt exists already, so the text is in a-fox.alt-2.txt" in run.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("-n", "2", "--alt-file", "t.txt"), 2),
        (("-o", "-", "--alt"), 2),
        (("-o", "t.png", "--alt-file", "t.png"), 2),
        (("--alt-file", ""), 2),
        (("--alt-file", "no/such/t.txt"), 6),
    ],
)
def test_a_text_that_would_have_no_place_is_found_before_the_call(
    nb: Nb, options: tuple[str, ...], code: int
) -> None:
    with WireServer(drawn("A fox.")) as server:
        run = nb("generate", "a fox", *options, env=against(server))
    assert (run.code, server.requests) == (code, [])
    assert run.err.endswith("Not charged.\n") is (code != 2)


def test_a_text_that_cannot_be_written_costs_neither_image_nor_text(nb: Nb) -> None:
    folder = Path("texts")
    folder.mkdir()
    with WireServer(replace(drawn("A fox."), delay=0.3)) as server:

        def remove() -> None:
            while not server.requests:
                time.sleep(0.01)
            folder.rmdir()

        remover = threading.Thread(target=remove)
        remover.start()
        run = nb(
            *("generate", "a fox", "-o", "f.png", "--alt-file", "texts/t.txt"), env=against(server)
        )
        remover.join()
    assert (run.code, run.out) == (6, "f.png\n")
    assert Path("f.png").exists()
    assert run.err.splitlines()[-2:] == ["hint: the text was: A fox.", "Charged."]


def test_dry_run_shows_the_framed_prompt(nb: Nb) -> None:
    run = nb("generate", "a fox", "--alt", "--dry-run")
    config = json.loads(run.out)["body"]["generationConfig"]
    assert config["responseModalities"] == ["TEXT", "IMAGE"]


def test_the_sandbox_draws_the_prompt_alone_and_describes_it(nb: Nb) -> None:
    run = nb(
        *("generate", "a red fox", "-o", "f.png", "--provider", "sandbox", "-s", "0.5K"),
        *("--alt", "--json"),
    )
    record = json.loads(run.out)
    plain = nb("generate", "a red fox", "-o", "g.png", "--provider", "sandbox", "-s", "0.5K")
    assert plain.code == 0
    assert Path("f.png").read_bytes() == Path("g.png").read_bytes()
    assert record["alt"].startswith("A red fox, ")
    assert len(record["alt"]) <= 125


def test_a_missing_text_from_the_sandbox(nb: Nb) -> None:
    run = nb(
        *("generate", "a fox [[fault:no-text]]", "-o", "f.png", "--provider", "sandbox"),
        *("-s", "0.5K", "--alt"),
    )
    assert run.code == 9
    assert Path("f.png").exists()
