"""The pages say what the program does: blocks run as written, links and tables hold."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Nb
from PIL import Image, ImageChops, ImageStat
from support import docs, readme_picture
from support.reader import Reader
from support.texts import save

from nanobanana_cli import catalog
from nanobanana_cli.errors import ExitCode
from nanobanana_cli.settings import names

README = docs.ROOT / "README.md"


def _name(page: Path) -> str:
    return page.relative_to(docs.ROOT).as_posix()


# Blocks that readers copy.


@pytest.mark.parametrize("page", docs.WRITTEN_BY_HAND, ids=_name)
def test_every_block_runs_as_it_is_written(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder)
    for block in docs.blocks(page):
        where = f"{_name(page)}:{block.line}"
        if block.is_run and block.language == "console":
            shown = reader.session(block.text)
            assert docs.steady(shown) == docs.steady(block.text), f"{where}: run {docs.COMMAND}"
        elif block.is_run:
            status, printed = reader.script(block.text)
            assert status == block.exit_status, f"{where}\n{block.text}\n{printed}"


def test_the_commands_for_a_static_site_write_texts_and_then_their_markdown(nb: Nb) -> None:
    save("static/img/red fox.png", "static/img/whale.jpg")
    Path("content").mkdir()
    Path("content/index.md").write_text("# Animals\n")
    page = docs.ROOT / "docs" / "captions.md"
    (block,) = (block for block in docs.blocks(page) if "site" in block.marks)
    (_, *write), (_, *gallery, arrow, target) = map(shlex.split, block.text.splitlines())
    run = nb("caption", "--check", "-r", "static/img")
    assert run.code == 3
    assert run.out.startswith("static/img/red fox.png\tit has no alt text\n")
    assert nb(*write, "--provider", "sandbox").code == 0
    assert (arrow, target) == (">", "content/gallery.md")
    # There is no key, so a call would fail.
    run = nb(*gallery)
    assert [line.rsplit("](")[1] for line in run.out.splitlines()] == [
        "img/red%20fox.png)",
        "img/whale.jpg)",
    ]
    assert nb("caption", "--check", "-r", "static/img").code == 0


def test_most_blocks_are_run() -> None:
    shell = [
        block
        for page in docs.WRITTEN_BY_HAND
        for block in docs.blocks(page)
        if block.language in ("sh", "console")
    ]
    assert sum(block.is_run for block in shell) > len(shell) / 2


@pytest.mark.parametrize("page", docs.PAGES, ids=_name)
def test_every_block_has_a_language_that_a_test_knows(page: Path) -> None:
    known = {"sh", "console", "toml", "json", "text", "csv", "yaml", "python", "makefile"}
    found = list(docs.blocks(page))
    assert {block.language for block in found} <= known
    assert page.read_text("utf-8").count("\n```") == 2 * len(found)


def _spans() -> list[str]:
    """Return every `nb` command that stands in a code span of the pages."""
    prose = "\n".join(
        re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for page in docs.WRITTEN_BY_HAND
    )
    spans: list[str] = re.findall(r"`((?:echo [^`]*)?nb [^`]+)`", prose)
    return sorted(set(spans))


@pytest.mark.parametrize("example", _spans())
def test_every_command_in_a_sentence_is_understood(nb: Nb, example: str) -> None:
    plain = example.replace("\\|", "|").replace("COMMAND", "generate").replace("SHELL", "bash")
    words = shlex.split(plain.replace("…", ""), comments=True)
    start = words.index("nb") + 1
    ends = [index for index, word in enumerate(words) if word in ("|", "&", ">", "&&")]
    command = words[start : min(ends, default=len(words))]
    # With --help a command is parsed and not run.
    run = nb(*command, "--help")
    assert run.code == 0, run.err
    assert "Usage: nb" in run.out


# Parts that follow from the code.


def test_the_help_page_is_what_the_program_prints() -> None:
    assert docs.CLI.read_text("utf-8") == docs.cli_page(), f"run {docs.COMMAND}"


def test_the_table_of_faults_is_up_to_date() -> None:
    text = docs.SANDBOX.read_text("utf-8")
    assert docs.with_faults(text) == text, f"run {docs.COMMAND}"


def test_the_picture_is_what_the_sandbox_draws(nb: Nb) -> None:
    size = ("-a", "16:9", "-s", "0.5K")
    assert nb("generate", "a red fox", *size, "--provider", "sandbox", "-o", "a.png").code == 0
    with Image.open("a.png") as drawn, Image.open(docs.ROOT / "docs" / "fox.png") as shown:
        difference = ImageChops.difference(drawn.convert("RGB"), shown.convert("RGB"))
    # Another release of the library that draws letters may shade their edges otherwise.
    assert max(ImageStat.Stat(difference).mean) < 1


def test_the_picture_of_a_terminal_is_what_a_terminal_shows() -> None:
    text = readme_picture.PICTURE.read_text("utf-8")
    assert readme_picture.drawn(readme_picture.screen()) == text, f"run {docs.COMMAND}"
    assert "$0.174" in text, "an amount is not a coordinate to round"
    # Pages that show it run nothing in it, and fetch nothing for it.
    assert re.findall("https?:[^\"' ]*|<script|@import|url\\((?!#)", text) == [
        "http://www.w3.org/2000/svg"
    ]
    assert readme_picture.PICTURE.relative_to(docs.ROOT).as_posix() in README.read_text("utf-8")


def test_every_exit_status_is_in_the_table() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", README.read_text("utf-8"), re.MULTILINE)
    listed = {int(code) for row in rows for code in row.split(", ")}
    assert listed == set(ExitCode)


def test_every_exit_status_has_a_section_in_troubleshooting() -> None:
    text = (docs.ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    heads = re.findall(r"^### (?:Exit )([\d, ]+)", text, re.MULTILINE)
    named = {int(code) for head in heads for code in head.replace(" ", "").split(",") if code}
    assert named == set(ExitCode) - {ExitCode.OK}


@pytest.mark.parametrize(
    "variable", [name for each in catalog.PROVIDERS.values() for name in each.key_variables]
)
def test_every_key_variable_is_named(variable: str) -> None:
    assert f"`{variable}`" in (docs.ROOT / "docs" / "configuration.md").read_text("utf-8")


@pytest.mark.parametrize("setting", names.DEFAULTS)
def test_every_setting_is_in_the_table_with_its_option_and_variable(setting: str) -> None:
    text = (docs.ROOT / "docs" / "configuration.md").read_text("utf-8")
    variable = names.variable_of(setting)
    shown = f"`{variable}`" if variable else "none"
    option = {"output-folder": "`-o`", "log": "none"}.get(setting, f"`--{setting}`")
    assert f"| `{setting}` | {option} | {shown} |" in text


# The pages as pages.


@pytest.mark.parametrize("page", docs.PAGES, ids=_name)
def test_no_page_holds_control_characters(page: Path) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", page.read_text("utf-8"))


def test_the_front_page_stays_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 200


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}


def _links() -> Iterator[tuple[Path, str]]:
    for page in docs.PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"`[^`\n]*`", "", text)
        for target in re.findall(r'\]\(([^)\s]+)\)|<img src="([^"]+)"', text):
            link = "".join(target)
            if not link.startswith(("https://", "http://", "mailto:")):
                yield page, link


@pytest.mark.parametrize(("page", "link"), [*dict.fromkeys(_links())])
def test_every_link_between_pages_leads_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists(), f"{_name(page)} links to {link}"
    if anchor:
        assert anchor in _anchors(target), f"{_name(page)} links to {link}"


def test_every_page_can_be_reached_from_the_front_page() -> None:
    linked = {(page.parent / link.partition("#")[0]).resolve() for page, link in _links()}
    assert {page for page in docs.PAGES if page != README} <= linked


def test_every_file_that_the_architecture_names_exists() -> None:
    text = (docs.ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`([\w./-]+(?:\.(?:py|md|toml|bash|fish|ps1)|/))`", text)
    package = docs.ROOT / "nanobanana_cli"
    places = (docs.ROOT, package)
    missing = [name for name in named if not any((base / name).exists() for base in places)]
    assert len(named) > 30
    assert not missing
