"""What a terminal shows while `nb` waits, judged by tmux: its screen, its cursor, its jobs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Nb
from support.pty_run import run_in_pty
from support.replies import failed, made, picture
from support.tmux import Tmux
from support.wire_server import Answer, WireServer


def _env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}


@contextmanager
def _waiting(tmp_path: Path, columns: int, delay: float) -> Iterator[Tmux]:
    """A shell whose `nb` has to wait for its images."""
    with (
        WireServer(Answer(200, body=made(picture(1376, 768)).body, delay=delay)) as server,
        Tmux(tmp_path, columns, {**os.environ, **_env(server)}) as shell,
    ):
        yield shell


@pytest.mark.parametrize(
    ("columns", "prompt", "line"),
    [
        (40, "a red fox", "a red fox · {} s, usually about 20"),
        (80, "a red fox", "a red fox · 16:9 1K · {} s, usually about 20"),
        (120, "a red fox", "a red fox · 16:9 1K · {} s, usually about 20"),
        (40, "a red fox in deep snow", "a red fox in… · {} s, usually about 20"),
        # Cut to the columns that there are, and whole to the last figure.
        (80, "a red fox " * 9, f"{'a red fox ' * 4}a… · 16:9 1K · {{}} s, usually about 20"),
        (120, "a red fox " * 19, f"{'a red fox ' * 8}a… · 16:9 1K · {{}} s, usually about 20"),
        (80, r"狐\033[31m 在雪中", r"狐\033[31m 在雪中 · 16:9 1K · {} s, usually about 20"),
    ],
)
def test_the_wait_is_one_line_that_goes_away(
    tmp_path: Path, columns: int, prompt: str, line: str
) -> None:
    with _waiting(tmp_path, columns, 2.5) as shell:
        shell.type(f"clear; nb generate '{prompt}' -a 16:9 -o fox.png", "Enter")
        (shown,) = shell.until("1 s, usually")
        assert re.sub(r"^. ", "", shown) == line.format(1)
        assert not shell.has_cursor()
        lines = shell.until_prompt()
        assert lines[0].startswith("fox.png  1376×768  ")
        assert len(lines) == 2
        assert shell.has_cursor()


def test_several_are_counted_above_what_is_there(tmp_path: Path) -> None:
    answers = [Answer(200, body=made(picture()).body, delay=wait) for wait in (0, 3)]
    with (
        WireServer(*answers) as server,
        Tmux(tmp_path, 80, {**os.environ, **_env(server)}) as shell,
    ):
        shell.type("clear; nb generate 'a red fox' -n 2 -o fox.png", "Enter")
        *done, shown = shell.until("1/2")
        assert re.search(r"^. a red fox · 1:1 1K · 1/2 · \d s, usually about 20$", shown)
        assert done[0].startswith("fox-")
        lines = shell.until_prompt()
    assert [line[:7] for line in lines if line.startswith("fox-")][0:1] == [done[0][:7]]
    assert "usually" not in "".join(lines)


def test_ctrl_z_gives_the_terminal_back_and_fg_goes_on(tmp_path: Path) -> None:
    with _waiting(tmp_path, 80, 4) as shell:
        shell.type("clear; nb generate fox -a 16:9 -o fox.png --timeout 60", "Enter")
        shell.until("1 s, usually")
        shell.type("C-z")
        stopped = shell.until_prompt()
        assert "usually" not in "".join(stopped)
        assert shell.has_cursor()
        assert shell.screen() == stopped
        shell.type("fg", "Enter")
        shell.until("usually")
        assert not shell.has_cursor()
        lines = shell.until_prompt(2)
        assert lines[-2].startswith("fox.png  1376×768  ")
        assert shell.has_cursor()


def test_a_call_that_was_stopped_past_its_deadline_is_read_after_all(tmp_path: Path) -> None:
    with _waiting(tmp_path, 80, 1.5) as shell:
        shell.type("clear; nb generate fox -a 16:9 -o fox.png --timeout 2", "Enter")
        shell.until("usually")
        shell.type("C-z")
        shell.until_prompt()
        shell.type("sleep 5; fg", "Enter")
        shell.until("fox.png  1376×768  ")


def test_nothing_moves_in_the_background(tmp_path: Path) -> None:
    with _waiting(tmp_path, 80, 3) as shell:
        shell.type("clear; nb generate fox -o fox.png &", "Enter")
        shell.until_prompt()
        shell.type("sleep 1.5; echo typed", "Enter")
        lines = shell.until("\ntyped")
        assert "usually" not in "".join(lines)
        shell.type("fg", "Enter")
        shell.until("fox.png  1376×768")


def test_nothing_moves_for_a_script_that_started_it_with_an_ampersand(tmp_path: Path) -> None:
    Path("make.sh").write_text("$NB generate fox -o fox.png & wait; echo ready\n")
    with _waiting(tmp_path, 80, 1.5) as shell:
        shell.type('clear; NB="$(type nb | sed -n 3p | sed "s/ .\\$@.;*//")" bash make.sh', "Enter")
        lines = shell.until("\nready")
        assert "usually" not in "".join(lines)
        assert shell.has_cursor()


def test_ctrl_c_says_so_and_where_to_look(tmp_path: Path) -> None:
    with _waiting(tmp_path, 40, 30) as shell:
        shell.type("clear; nb generate fox", "Enter")
        shell.until("1 s, usually")
        shell.type("C-c")
        lines = shell.until_prompt()
        assert lines[:4] == [
            "nb: stopped by Ctrl-C",
            "hint: check the account's usage before",
            "      running it again",
            "May have been charged.",
        ]
        assert shell.has_cursor()


def test_a_dumb_terminal_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with WireServer(Answer(200, body=made(picture()).body, delay=1.5)) as server:
        for name, value in _env(server).items():
            monkeypatch.setenv(name, value)
        code, screen = run_in_pty("generate", "a red fox", "-a", "1:1", "-o", "fox.png")
    assert code == 0
    first, second, *_ = screen.split("\r\n")
    assert first == "a red fox · 1:1 1K · usually about 20 s"
    assert second.startswith("fox.png  ")
    assert not re.search("[\r\x1b]", screen.replace("\r\n", ""))


def test_notes_and_hints_wrap_on_a_terminal_alone(nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    _, screen = run_in_pty("generate", "fox", columns=40)
    assert screen.split("\r\n")[:6] == [
        "nb: no key for wisgate",
        "hint: get one at",
        "      https://wisgate.ai/hall/tokens,",
        "      then run `nb config set api-key`",
        "      or set WISDOM_GATE_KEY",
        "hint: or try it for free: --provider",
    ]
    assert all(len(line) <= 120 for line in screen.split("\r\n"))
    assert nb("generate", "fox").err.splitlines()[1] == (
        "hint: get one at https://wisgate.ai/hall/tokens, then run `nb config set api-key` "
        "or set WISDOM_GATE_KEY"
    )


def test_a_dry_run_shows_the_beginning_of_images_on_a_terminal(nb: Nb) -> None:
    Path("fox.png").write_bytes(picture(64, 64))
    argv = ("generate", "at night", "-i", "fox.png", "--dry-run")
    whole = re.search(r'"data": "([^"]*)"', nb(*argv).out)
    code, screen = run_in_pty(*argv)
    shown = re.search(r'"data": "([^"]*)"', screen)
    assert code == 0
    assert whole is not None
    assert shown is not None
    assert shown[1] == f"{whole[1][:32]}... ({len(whole[1]):,} characters)"


def test_waits_between_resends_stand_above_the_line(tmp_path: Path) -> None:
    busy = failed(429, "slow down", "RESOURCE_EXHAUSTED", Retry_After="2")
    with (
        WireServer(busy, made(picture())) as server,
        Tmux(tmp_path, 80, {**os.environ, **_env(server)}) as shell,
    ):
        shell.type("clear; nb generate fox -o fox.png", "Enter")
        *above, shown = shell.until("attempt 2")
        assert "usually about 20" in shown
        assert "".join(above).count("attempt 2") == 1
        assert shell.until_prompt()[-1].startswith("ready>")


def test_the_usual_time_is_that_of_the_log(tmp_path: Path) -> None:
    answers = [Answer(200, body=made(picture()).body, delay=1)] * 3
    last = Answer(200, body=made(picture()).body, delay=6)
    with (
        WireServer(*answers, last) as server,
        Tmux(tmp_path, 80, {**os.environ, **_env(server)}) as shell,
    ):
        shell.type("clear; nb generate fox -n 3 -o fox.png -q; clear", "Enter")
        shell.until_prompt()
        shell.type("clear; nb generate fox -o last.png", "Enter")
        *_, shown = shell.until("2 s, usually about")
        assert re.search(r"^. fox · 1:1 1K · 2 s, usually about [1-4]$", shown)


def test_a_batch_shows_its_bar_and_how_long_it_usually_takes(tmp_path: Path) -> None:
    Path("rows.txt").write_text("fox\nowl\n")
    with _waiting(tmp_path, 40, 3) as shell:
        shell.type("clear; nb batch rows.txt --concurrency 1", "Enter")
        lines = shell.until("1 s, usually about 40")
        assert re.fullmatch(r". ─+ 0/2 · 1 s, usually about 40", lines[0])
        assert lines[1:] == ["0 done, 1 in flight, $0"]
        shell.type("C-z")
        assert "in flight" not in "".join(shell.until_prompt())
        shell.type("fg", "Enter")
        shell.until("1/2 · ")
        shell.until_prompt(2)
        assert shell.has_cursor()
