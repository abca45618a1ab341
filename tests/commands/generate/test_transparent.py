"""`--transparent`: the background is cut out, and the original kept."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Nb
from PIL import Image
from support import cutouts
from support.replies import image_part, made, picture, reply
from support.wire_server import Answer, WireServer

from nanobanana_cli.images.edits import split, with_background


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


MUG = _jpeg(cutouts.Case("", cutouts.mug(), quality=None).painted())
SCENERY = picture(64, 64, "JPEG", "white")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[WireServer]:
    answer = getattr(request, "param", MUG)
    with WireServer(answer if isinstance(answer, Answer) else made(answer)) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        monkeypatch.setenv("WISDOM_GATE_KEY", "sk-very-secret-key-123")
        yield server


def _open(path: str) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def _corner(path: str) -> int:
    alpha = _open(path).getchannel("A")
    return alpha.tobytes()[0]


@pytest.mark.parametrize(
    ("output", "path", "original"),
    [
        ("fox.png", "fox.png", "fox.original.jpg"),
        ("fox", "fox.png", "fox.original.jpg"),
        ("fox.webp", "fox.webp", "fox.original.jpg"),
        ("./", "a-mug.png", "a-mug.original.jpg"),
    ],
)
def test_the_background_goes_and_the_original_stays(
    nb: Nb, server: WireServer, output: str, path: str, original: str
) -> None:
    run = nb("generate", "a mug", "--transparent", "-o", output)
    assert (run.code, run.out.strip()) == (0, path), run.err
    assert (_open(path).mode, _open(path).size, _corner(path)) == ("RGBA", (480, 480), 0)
    assert Path(original).read_bytes() == MUG
    assert sorted(each.name for each in Path().iterdir()) == sorted([path, original])
    assert f"note: the original is kept as {original}\n" in run.err
    sent = json.loads(server.requests[0].body)["contents"][0]["parts"][0]["text"]
    assert sent == with_background("a mug")
    assert "pure green (#00FF00)" in sent


def test_each_line_says_where_the_original_is(nb: Nb, server: WireServer) -> None:
    run = nb("generate", "a mug", "--transparent", "-o", "mug.png", "--json")
    line = json.loads(run.out)
    assert (line["prompt"], line["original_path"]) == ("a mug", "mug.original.jpg")
    assert len(server.requests) == 1


@pytest.mark.parametrize("server", [SCENERY], indirect=True)
@pytest.mark.usefixtures("server")
def test_what_is_on_no_flat_background_is_kept_and_not_cut(nb: Nb) -> None:
    run = nb("generate", "a mug", "--transparent", "-o", "mug.png", "--json")
    assert run.code == 10
    assert run.err.endswith(
        "nb: the image cannot be cut out: its background is of no strong colour\n"
        "hint: it was saved as received: mug.original.jpg\nCharged.\n"
    )
    assert Path("mug.original.jpg").read_bytes() == SCENERY
    assert not Path("mug.png").exists()
    line = json.loads(run.out)
    assert (line["path"], line["original_path"]) == (None, "mug.original.jpg")
    assert line["error"]["charged"] == "yes"


_NOT_CUT = reply(image_part(SCENERY, thoughtSignature="abc"), {"text": "A mug."})


@pytest.mark.parametrize("server", [Answer(200, body=_NOT_CUT)], indirect=True)
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--transparent"], ["mug.original"]),
        (["--transparent", "-n", "2"], ["mug-1.original", "mug-2.original"]),
        (["--transparent", "--fit", "30x20", "--fit", "20x20"], ["mug.original"]),
        (["--fit", "300x200", "--fit", "400x200"], ["a-mug"]),
    ],
)
def test_what_comes_with_an_image_that_is_not_edited_is_beside_it(
    nb: Nb, options: list[str], kept: list[str]
) -> None:
    """No reply is kept then, which would have it."""
    run = nb("generate", "a mug", *options, "--alt", "--chat", "-o", "mug.png", "--json")
    assert run.code == 10
    for stem in kept:
        assert (
            f"hint: it was saved as received: {stem}.jpg\n"
            "hint: the text was: A mug.\n"
            f"hint: the conversation was saved as {stem}.chat.json\n"
            "Charged.\n"
        ) in run.err
        turns = json.loads(Path(f"{stem}.chat.json").read_bytes())["contents"]
        assert turns[1]["parts"] == json.loads(_NOT_CUT)["candidates"][0]["content"]["parts"]
    assert run.err.count("the text was:") == len(kept)
    names = sorted(f"{stem}{suffix}" for stem in kept for suffix in (".chat.json", ".jpg"))
    assert sorted(path.name for path in Path().iterdir()) == names
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [line["alt"] for line in lines] == ["A mug."] * 2 or len(options) == 1
    for line in lines:
        assert line["error"]["hint"].endswith(".chat.json")


@pytest.mark.parametrize(
    "server",
    [Answer(200, body=reply(image_part(MUG), image_part(SCENERY), {"text": "A mug."}))],
    indirect=True,
)
@pytest.mark.usefixtures("server")
def test_other_images_of_a_reply_whose_last_is_not_cut_are_kept(nb: Nb) -> None:
    run = nb("generate", "a mug", "--transparent", "--alt", "-o", "mug.png")
    assert run.code == 10
    assert (
        "hint: it was saved as received: mug.original.jpg\nhint: the text was: A mug.\n" in run.err
    )
    extract = run.err.partition("note: the reply was kept: nb ")[2].partition("\n")[0]
    run = nb(*extract.split(), "-o", "every")
    assert (run.code, run.out.split()) == (0, ["every.jpg", "every-2.jpg"]), run.err
    assert Path("every.jpg").read_bytes() == MUG


@pytest.mark.usefixtures("server")
def test_stdout_gets_the_cut_out_alone(nb: Nb) -> None:
    run = nb("generate", "a mug", "--transparent", "-o", "-")
    assert run.code == 0
    assert Image.open(io.BytesIO(run.raw)).mode == "RGBA"
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("server")
def test_it_is_cropped_after_it_is_cut_out(nb: Nb) -> None:
    fits = ("--fit", "300x200", "--fit", "64x64")
    run = nb("generate", "a mug", "--transparent", *fits, "-o", "mug.png")
    assert run.code == 0, run.err
    assert _open("mug-300x200.png").size == (300, 200)
    assert _corner("mug-64x64.png") == 0
    assert Path("mug.original.jpg").read_bytes() == MUG
    assert len(list(Path().iterdir())) == 3


@pytest.mark.parametrize("taken", ["mug.png", "mug.original.jpg", "mug.original.png"])
def test_what_is_there_ends_it_before_the_call(nb: Nb, server: WireServer, taken: str) -> None:
    Path(taken).write_bytes(picture(9, 9))
    options = ("generate", "a mug", "--transparent", "-o", "mug.png")
    run = nb(*options)
    assert (run.code, f"nb: {taken} exists already\n" in run.err) == (12, True)
    assert server.requests == []
    assert nb(*options, "--force").code == 0
    assert Path("mug.original.jpg").read_bytes() == MUG


def test_what_is_there_is_skipped_and_no_original_is_overwritten(
    nb: Nb, server: WireServer
) -> None:
    Path("mug.original.jpg").write_bytes(b"mine")
    options = ("generate", "a mug", "--transparent", "-o", "mug.png", "--skip-existing")
    assert nb(*options).code == nb(*options).code == 0
    assert len(server.requests) == 1
    assert Path("mug.original.jpg").read_bytes() == b"mine"
    assert Path("mug.original-2.jpg").read_bytes() == MUG


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "mug.jpg"], "--transparent and -o mug.jpg contradict each other: JPEG holds no"),
        (["--format", "jpeg"], "--transparent and --format jpeg contradict each other"),
        (["-o", "mug.gif"], "-o mug.gif: .gif is not a format that nb writes"),
        (["--all"], "--all and --transparent contradict each other"),
    ],
)
def test_what_cannot_be_is_refused_before_the_call(
    nb: Nb, server: WireServer, options: list[str], message: str
) -> None:
    run = nb("generate", "a mug", "--transparent", *options)
    assert (run.code, message in run.err, server.requests) == (2, True, []), run.err


def test_a_configured_format_yields(nb: Nb, server: WireServer) -> None:
    Path("nb.toml").write_text('format = "jpeg"\n')
    run = nb("generate", "a mug", "--transparent")
    assert (run.code, run.out, len(server.requests)) == (0, "a-mug.png\n", 1)


def test_several_calls_each_have_their_original(nb: Nb, server: WireServer) -> None:
    run = nb("generate", "a mug", "--transparent", "-n", "2", "-o", "mug.png")
    assert (run.code, len(server.requests)) == (0, 2)
    names = ["mug-1.original.jpg", "mug-1.png", "mug-2.original.jpg", "mug-2.png"]
    assert sorted(each.name for each in Path().iterdir()) == names


@pytest.mark.usefixtures("server")
def test_the_log_knows_how_to_make_it_again(nb: Nb) -> None:
    assert nb("generate", "a mug", "--transparent", "-o", "mug.png").code == 0
    assert " --transparent --output mug.png" in nb("log", "mug.png", "--command").out
    (line,) = (json.loads(each) for each in nb("log", "mug.png", "--json").out.splitlines())
    assert line["settings"]["transparent"] is True


@pytest.mark.parametrize("prompt", ["a red fox", "a green frog", "a pink orchid in green leaves"])
def test_the_sandbox_paints_the_background_that_is_asked_for(nb: Nb, prompt: str) -> None:
    options = ("--provider", "sandbox", "--alt", "-o", "x.png", "--fit", "300x200")
    run = nb("generate", prompt, "--transparent", *options)
    assert run.code == 0, run.err
    alpha = _open("x.png").getchannel("A")
    assert (_corner("x.png"), alpha.crop((100, 80, 200, 120)).getextrema()) == (0, (255, 255))
    text = Path("x.alt.txt").read_text()
    assert (text.startswith(prompt.capitalize()), "background" in text) == (True, False)


@pytest.mark.parametrize(
    ("prompt", "colour"),
    [
        ("a red fox", "#00FF00"),
        ("a fox, evergreen", "#00FF00"),
        ("a Green apple", "#FF00FF"),
        ("leaves", "#FF00FF"),
        ("ein grüner Drache", "#FF00FF"),
        ("a purple dress", "#00FF00"),
        ("roses with leaves", "#0000FF"),
    ],
)
def test_the_colour_is_one_that_the_prompt_does_not_bring_to_mind(prompt: str, colour: str) -> None:
    assert split(with_background(prompt)) == (prompt, colour)


def test_a_prompt_without_a_background_stays_whole() -> None:
    assert split("a flat background of pure green (#00FF00)")[1] is None


def test_a_caption_is_for_a_cut_out_too(nb: Nb) -> None:
    options = ("--provider", "sandbox", "-o", "x.png", "-s", "0.5K")
    run = nb("caption", "a red fox", "--transparent", *options)
    assert (run.code, _corner("x.png")) == (0, 0)
    run = nb("caption", "x.png", "--transparent")
    assert (run.code, "--transparent is for making an image" in run.err) == (2, True)
