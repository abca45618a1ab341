"""What GitHub's runner makes of the output, judged by its own parser and a renderer of Markdown."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from conftest import Nb, NbProcess
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.actions import annotated, commands
from support.texts import against, save, told
from support.wire_server import WireServer

from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui import github
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.terminal import Terminal

ACTIONS = {"GITHUB_ACTIONS": "true"}
SUMMARY = {**ACTIONS, "GITHUB_STEP_SUMMARY": "summary.md"}
SANDBOX = ("--provider", "sandbox")
STOP = "::stop-commands::x"
OLD = "##[set-output name=a]b"
MANIFEST = """\
[[image]]
prompt = "a red fox"
output = "fox.png"

[[image]]
prompt = "an owl [[fault:safety]]"
output = "owl.png"
"""
REFUSED = (
    "owl.png: no image: the safety filter blocked it (IMAGE_SAFETY): Unable to show the generated "
    "image: IMAGE_SAFETY. Try rephrasing the prompt."
)


# Annotations.


def test_the_error_that_ends_a_run_is_annotated_above_its_lines(nb: Nb) -> None:
    run = nb("generate", "a fox", "--size", "3K", env=ACTIONS)
    message = "--size 3K is not an image size of gemini-3.1-flash-image-preview"
    hint = "hint: did you mean 4K? one of 0.5K, 1K, 2K, 4K"
    first, *rest = run.err.splitlines()
    assert first == f"::error title=nb::{message}%0A{hint}"
    assert annotated(run.err.encode()) == [("error", None, None, f"{message}\n{hint}")]
    plain = nb("generate", "a fox", "--size", "3K")
    assert "\n".join(rest) + "\n" == plain.err
    assert (run.code, run.out) == (plain.code, plain.out) == (2, "")


def test_it_names_the_charge_and_is_shown_with_q(nb: Nb) -> None:
    run = nb("generate", "a fox [[fault:blocked]]", "-q", *SANDBOX, env=ACTIONS)
    [(level, file, line, message)] = annotated(run.err.encode())
    assert (level, file, line) == ("error", None, None)
    assert message.endswith("\nMay have been charged.")
    assert run.err.endswith("\nMay have been charged.\n")


@pytest.mark.parametrize("value", ["", "false", "1"])
def test_nothing_is_annotated_elsewhere(nb: Nb, value: str) -> None:
    env = {"GITHUB_ACTIONS": value, "GITHUB_STEP_SUMMARY": "summary.md"}
    Path("images.toml").write_text(MANIFEST)
    assert "::" not in nb("generate", "a fox", "--size", "3K", env=env).err
    assert "::" not in nb("batch", "images.toml", *SANDBOX, env=env).err
    assert not Path("summary.md").exists()


def test_a_row_that_fails_is_annotated_at_its_line(nb: Nb) -> None:
    folder = Path("site")
    folder.mkdir()
    Path("site/images.toml").write_text(MANIFEST)
    # Paths are seen from the top of the repository, wherever the step works.
    env = {**ACTIONS, "GITHUB_WORKSPACE": str(Path.cwd())}
    os.chdir(folder)
    run = nb("batch", "images.toml", *SANDBOX, env=env)
    warning, (level, *_) = annotated(run.err.encode())
    assert warning == ("warning", "site/images.toml", 5, REFUSED)
    assert level == "error"
    assert run.out == "fox.png\n"
    run = nb("batch", "images.toml", *SANDBOX, "--retry", "all", "-q", env=env)
    assert [level for level, *_ in annotated(run.err.encode())] == ["error"]


def test_rows_that_are_not_up_to_date_are_annotated_too(nb: Nb) -> None:
    Path("images.jsonl").write_text('\n{"prompt": "a fox", "output": "fox.png"}\n')
    run = nb("batch", "images.jsonl", "--check", *SANDBOX, env=ACTIONS)
    found = annotated(run.err.encode())
    assert found[0] == ("warning", "images.jsonl", 2, "fox.png: make")
    assert [level for level, *_ in found] == ["warning", "error"]
    assert run.out == "make\tfox.png\tfree\t\n"
    rows = Path("images.jsonl").read_bytes()
    found = annotated(nb("batch", "-", "--check", stdin=rows, env=ACTIONS).err.encode())
    assert found[0] == ("warning", None, None, "fox.png: make")


def test_errors_of_a_manifest_are_annotated_at_their_lines(nb: Nb) -> None:
    lines = ["[[image]]", 'prompt = "a fox"', 'size = "3K"'] * 30
    Path("images.toml").write_text("\n".join(lines))
    run = nb("batch", "images.toml", env=ACTIONS)
    found = annotated(run.err.encode())
    assert found[0][:3] == ("error", "images.toml", 3)
    assert found[0][3].startswith("images.toml:3: image 1: size: ")
    # GitHub shows ten of a step.
    assert [line for _, _, line, _ in found] == [*range(3, 30, 3), None]
    assert found[-1][3] == "images.toml has 30 errors\nhint: fix the errors above; nothing was sent"
    assert len([line for line in run.err.splitlines() if line.startswith("images.toml:")]) == 30


def test_images_without_a_text_are_annotated(nb: Nb) -> None:
    save("fox.png", "owl.png")
    Path("owl.alt.txt").write_text(f"A {'very ' * 60}old owl on a branch.\n")
    run = nb("caption", "--check", "fox.png", "owl.png", env=ACTIONS)
    found = annotated(run.err.encode())
    assert found[0] == ("error", "fox.png", None, "it has no alt text")
    assert [(level, file) for level, file, *_ in found[1:]] == [
        ("warning", "owl.png"),
        ("error", None),
    ]
    assert run.out.splitlines()[0] == "fox.png\tit has no alt text"


# No line of ours is a command by accident.

_PIECES = ("::", "##[", "#", "[", "]", "\r", "\n", "\ufeff", "\xa0", "\x1b[31m", " ", "error", STOP)
HOSTILE = st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=8).map("".join)


class _Line(msgspec.Struct):
    text: str
    file: str


@given(HOSTILE, HOSTILE)
@example(STOP, OLD)
@example("a\r::error::b", "\xa0::error::b")
@example("% %0A::error::x", "a,b:c%0D")
def test_no_text_becomes_a_command(text: str, file: str) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(3)]
    terminal = Terminal(ACTIONS, *streams)
    terminal.configure(verbose=True)
    for print_one in (terminal.note, terminal.warn, terminal.trace, terminal.problem):
        print_one(text)
    terminal.result(text)
    terminal.table((), [(text, file), (file, text)])
    terminal.json(_Line(text, file))
    terminal.summary(file, text)
    terminal.failure(text, (file, 3))
    terminal.error(UsageError(text, hint=file))
    out, err = (_content(stream) for stream in streams[1:])
    assert commands(out) == []
    warning, error = annotated(err)
    safe = text.replace("##[", r"##\[")
    shown = "\n".join(escape(line) for line in safe.split("\n"))
    place = (file.replace("##[", r"##\[").encode("utf-8", "backslashreplace").decode(), 3)
    assert warning == ("warning", *(place if file else (None, 3)), shown)
    assert error[3].startswith(shown)


def _content(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


@pytest.mark.parametrize(("text", "shown"), [(STOP, rf"\{STOP}"), (OLD, OLD.replace("[", r"\["))])
def test_a_text_of_the_model_commands_nothing(
    nb: Nb, nb_process: NbProcess, text: str, shown: str
) -> None:
    save("fox.png")
    with WireServer(told(text)) as server:
        env = {**ACTIONS, **against(server)}
        run = nb("caption", "fox.png", "--write", env=env)
        assert (run.code, run.out) == (0, f"{shown}\n")
        assert commands(run.raw) == commands(run.err.encode()) == []
        # What is no line of a log is exact.
        assert Path("fox.alt.txt").read_text() == f"{text}\n"
        run = nb("caption", "fox.png", "--json", env=env)
        assert commands(run.raw) == []
        assert json.loads(run.out)["alt"] == text
        run = nb("caption", "fox.png", "--as", "json-map", env=env)
        assert commands(run.raw) == []
        assert json.loads(run.out) == {"fox.png": text}
        with (
            Path("out.txt").open("wb") as out,
            nb_process.start("caption", "fox.png", stdout=out, env=env) as process,
        ):
            assert process.wait(60) == 0
        assert Path("out.txt").read_text() == f"{text}\n"
        run = nb("caption", "fox.png", env=against(server))
        assert run.out == f"{text}\n"


def test_a_request_that_is_shown_commands_nothing_and_is_the_same_json(nb: Nb) -> None:
    prompt = f"{OLD}\n{STOP}"
    run = nb("generate", prompt, "--dry-run", env=ACTIONS)
    assert commands(run.raw) == []
    assert json.loads(run.out)["body"]["contents"][0]["parts"][0]["text"] == prompt
    run = nb("generate", prompt, "--curl", env=ACTIONS)
    assert commands(run.raw) == []
    body = run.out.split("<<'JSON'\n")[1].split("\n")[0]
    assert json.loads(body)["contents"][0]["parts"][0]["text"] == prompt


def test_a_traceback_commands_nothing(nb: Nb) -> None:
    run = nb("generate", "a fox", "-o", f"no/{OLD}", env={**ACTIONS, "NB_DEBUG": "1"})
    assert "Traceback" in run.err
    assert [name for name, *_ in commands(run.err.encode())] == ["error"]


# The summary of a step.


class _Tables(HTMLParser):
    """Collects the cells of tables, and the names of all tags."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell &= tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


def _rendered(markdown: str) -> str:
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return str(renderer.render(markdown))


def _tables(page: str = "summary.md") -> list[list[str]]:
    return _Tables(_rendered(Path(page).read_text("utf-8"))).rows


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "a|b",
        "\\|",
        "`x|`",
        "<b>",
        "<!--",
        "*a*",
        "[a](b)",
        "\n\n# x",
        "&lt;",
        "&#124;",
        "~~a~~",
        "$a$",
    ]
)


@given(st.lists(st.tuples(CELL, CELL), max_size=4), CELL)
def test_a_table_shows_each_cell_as_it_is(rows: list[tuple[str, str]], title: str) -> None:
    path = Path("rendered.md")
    path.unlink(missing_ok=True)
    env = {**ACTIONS, "GITHUB_STEP_SUMMARY": str(path)}
    github.GitHub(env).add_summary(title, title, ("A|B", "C"), rows)
    shown = _Tables(_rendered(path.read_text("utf-8")))
    assert shown.tags <= {"h3", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert shown.rows == [*([["A|B", "C"]] if rows else []), *map(_shown, rows)]


def _shown(row: Sequence[str]) -> list[str]:
    # Spaces at the ends of a cell are not shown; a space of another kind may be.
    return [escape(cell).strip() for cell in row]


def test_a_batch_leaves_a_table_with_failures_first(nb: Nb) -> None:
    Path("images.toml").write_text(MANIFEST)
    Path("summary.md").write_text("# Before")
    assert nb("batch", "images.toml", *SANDBOX, "-q", "--json", env=SUMMARY).code == 3
    head, failed, written = _tables()
    assert head == ["Status", "Image", "Details"]
    assert failed == ["failed", "owl.png", REFUSED.partition(": ")[2] + " (may have been charged)"]
    assert written[:2] == ["written", "fox.png"]
    assert re.fullmatch(r"1024×1024  .* kB  .* s  free \(sandbox\)", written[2])
    text = _rendered(Path("summary.md").read_text())
    heads = "<h1>Before</h1>\n<h3>nb batch images.toml</h3>\n"
    assert re.match(heads + r"<p>1 made in \d:\d\d for .*, 1 failed</p>", text)
    Path("summary.md").unlink()
    assert nb("batch", "images.toml", *SANDBOX, "-q", env=SUMMARY).code == 3
    [_, *rows] = _tables()
    assert rows == [["failed", "owl.png", REFUSED.partition(": ")[2] + " (left alone)"]]


@pytest.mark.parametrize(
    ("arguments", "title", "rows"),
    [
        (
            ("batch", "images.toml", "--check"),
            "nb batch images.toml --check",
            [["Plan", "Image", "Price", "Reason"], ["make", "fox.png", "free", ""]],
        ),
        (
            ("batch", "images.toml", "--dry-run", "--json"),
            "nb batch images.toml --dry-run",
            [["Plan", "Image", "Price", "Reason"], ["make", "fox.png", "free", ""]],
        ),
        (
            ("batch", "images.toml", "--status"),
            "nb batch images.toml --status",
            [["Status", "Image", "When", "Cost", "Details"], ["missing", "fox.png", "", "", ""]],
        ),
        (
            ("caption", "--check", "-r", "static"),
            "nb caption --check",
            [
                ["Image", "Language", "Level", "Problem"],
                ["static/fox.png", "", "error", "it has no alt text"],
            ],
        ),
    ],
)
def test_checks_leave_a_table(
    nb: Nb, arguments: tuple[str, ...], title: str, rows: list[list[str]]
) -> None:
    Path("images.toml").write_text('[[image]]\nprompt = "a fox"\noutput = "fox.png"\n')
    save("static/fox.png")
    nb(*arguments, env={**SUMMARY, "NB_PROVIDER": "sandbox"})
    assert _tables() == rows
    assert f"<h3>{title}</h3>" in _rendered(Path("summary.md").read_text())


def test_a_check_of_the_models_leaves_a_table(nb: Nb) -> None:
    assert nb("models", "--check", *SANDBOX, env=SUMMARY).code == 0
    head, *rows = _tables()
    assert head == ["State", "Model"]
    assert ["listed", "gemini-3.1-flash-image-preview"] in rows


@pytest.mark.parametrize(
    "arguments",
    [("generate", "a fox"), ("caption", "fox.png"), ("caption", "--read", "fox.png"), ("models",)],
)
def test_other_commands_leave_none(nb: Nb, arguments: tuple[str, ...]) -> None:
    save("fox.png")
    nb(*arguments, env={**SUMMARY, "NB_PROVIDER": "sandbox"})
    assert not Path("summary.md").exists()


def test_a_summary_stays_below_the_limit_of_a_step() -> None:
    rows = [("x" * 300, "&" * 300)] * 400
    for _ in range(5):
        github.GitHub(SUMMARY).add_summary("nb", "text", ("A", "B"), rows)
    data = Path("summary.md").read_bytes()
    assert 900_000 < len(data) <= 1024 * 1024
    assert "and more, which did not fit" in data.decode()
    # Cut between rows.
    lines = data.decode().splitlines()
    assert {line.count(" | ") for line in lines if line.startswith("|")} == {1}
    assert all(line.endswith(" |") for line in lines if line.startswith("|"))


def test_a_long_table_is_cut() -> None:
    github.GitHub(SUMMARY).add_summary("nb", "text", ("A",), [(str(n),) for n in range(10_000)])
    assert len(_tables()) == 1 + github.SUMMARY_ROWS
    assert Path("summary.md").read_text().endswith("\n\n… and more, which did not fit\n")


@pytest.mark.parametrize("place", ["folder", "no/such/file", "pipe"])
def test_a_summary_that_cannot_be_written_is_a_note(nb: Nb, place: str) -> None:
    Path("folder").mkdir()
    os.mkfifo("pipe")
    env = {**ACTIONS, "GITHUB_STEP_SUMMARY": place}
    Path("images.txt").write_text("a fox\n")
    run = nb("batch", "images.txt", *SANDBOX, env=env)
    assert run.code == 0
    assert "note: the step's summary cannot be written: " in run.err
