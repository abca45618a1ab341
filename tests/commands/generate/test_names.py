"""Where an image goes by the name that was given, and how a typed prompt ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Nb, Run
from support.pty_run import run_in_pty
from support.replies import made, picture
from support.wire_server import WireServer


def _generate(nb: Nb, *rest: str, image_format: str = "JPEG") -> tuple[Run, int]:
    with WireServer(made(picture(1024, 1024, image_format))) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        return nb("generate", "a red fox", *rest, env=env), len(server.requests)


def _names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize(
    ("image_format", "options", "name"),
    [
        ("JPEG", [], "fox.jpg"),
        ("PNG", [], "fox.png"),
        ("GIF", [], "fox.gif"),
        ("JPEG", ["--format", "webp"], "fox.webp"),
        ("JPEG", ["--format", "jpeg"], "fox.jpg"),
    ],
)
def test_a_name_without_a_suffix_gets_that_of_what_comes(
    nb: Nb, image_format: str, options: list[str], name: str
) -> None:
    run, _ = _generate(nb, "-o", "fox", *options, image_format=image_format)
    assert (run.code, run.out) == (0, f"{name}\n")
    assert _names() == [name]


def test_several_images_under_a_name_without_a_suffix(nb: Nb) -> None:
    run, _ = _generate(nb, "-o", "fox", "-n", "2")
    assert sorted(run.out.split()) == _names() == ["fox-1.jpg", "fox-2.jpg"]


@pytest.mark.parametrize("name", ["fox", "fox.png", "fox.jpeg", "fox.avif"])
def test_a_name_without_a_suffix_is_taken_by_any_image(nb: Nb, name: str) -> None:
    mine = picture(color="red")
    Path(name).write_bytes(mine)
    run, requests = _generate(nb, "-o", "fox")
    assert (run.code, requests) == (12, 0)
    assert run.err == (
        f"nb: {name} exists already\n"
        "hint: --force replaces it, --skip-existing leaves it alone\nNot charged.\n"
    )
    run, requests = _generate(nb, "-o", "fox", "--skip-existing")
    assert (run.code, run.out, requests) == (0, f"{name}\n", 0)
    run, requests = _generate(nb, "-o", "fox", "--force")
    assert (run.code, run.out, requests) == (0, "fox.jpg\n", 1)
    assert Path(name).read_bytes() == mine


def test_a_name_without_a_suffix_and_its_text(nb: Nb) -> None:
    run, requests = _generate(nb, "-o", "fox", "--alt-file", "fox.png")
    assert (run.code, requests) == (2, 0)
    run = nb("generate", "a red fox", "-o", "fox", "--alt", "--provider", "sandbox")
    assert run.out.split() == ["fox.png", "fox.alt.txt"]


@pytest.mark.parametrize("name", ["f" * 252, "/dev/null"])
def test_a_name_without_a_suffix_that_cannot_be_written(nb: Nb, name: str) -> None:
    run, requests = _generate(nb, "-o", name)
    assert (run.code, requests) == (6, 0)


def test_a_folder_in_place_of_the_image_is_refused_before_the_call(nb: Nb) -> None:
    Path("fox.jpg").mkdir()
    run, requests = _generate(nb, "-o", "fox", "--force")
    assert (run.code, requests) == (6, 0)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fox.gif", "one of .png, .jpg, .jpeg, .webp; or convert it: -o - | magick - fox.gif"),
        (
            "a fox.avif",
            "one of .png, .jpg, .jpeg, .webp; or convert it: -o - | magick - 'a fox.avif'",
        ),
        ("fox.pgn", "did you mean .png? one of .png, .jpg, .jpeg, .webp"),
        ("fox.md", "one of .png, .jpg, .jpeg, .webp"),
    ],
)
def test_a_format_that_is_not_written(nb: Nb, name: str, hint: str) -> None:
    run, requests = _generate(nb, "-o", name)
    suffix = Path(name).suffix
    assert (run.code, requests) == (2, 0)
    assert run.err == f"nb: -o {name}: {suffix} is not a format that nb writes\nhint: {hint}\n"


def test_a_batch_without_a_manifest_names_the_one_that_lies_there(nb: Nb) -> None:
    run = nb("batch", "--max-cost", "5")
    assert run.err == "nb: no manifest\nhint: `nb batch --init` writes an example, images.toml\n"
    nb("batch", "--init")
    run = nb("batch", "--max-cost", "5")
    assert run.err == "nb: no manifest\nhint: nb batch images.toml --max-cost 5\n"


def test_a_terminal_is_told_how_to_end_a_prompt() -> None:
    said = "reading from the terminal; to end, press Ctrl-D on an empty line"
    code, screen = run_in_pty(
        *("generate", "-", "--provider", "sandbox", "-o", "fox"),
        typed="a red fox\n\x04",
        after=said,
    )
    assert code == 0
    assert screen.splitlines()[0] == said
    assert _names() == ["fox.png"]
