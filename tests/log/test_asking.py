"""Ask the log through `nb log`: lists, sums, commands, and lines to forget."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import Nb, Run
from support.pty_run import run_in_pty
from support.replies import image_part, picture, reply
from support.texts import told
from support.wire_server import Answer, WireServer

from nanobanana_cli.log import store
from nanobanana_cli.log.line import LoggedCall
from nanobanana_cli.log.queries import usual_seconds

MODEL = "gemini-3.1-flash-image-preview"
Keep = Callable[..., None]


@pytest.fixture
def log() -> Path:
    return Path("~/.local/state/nanobanana-wisgate/log.sqlite").expanduser()


@pytest.fixture
def keep(log: Path) -> Keep:
    """Write lines as a run does, so many days old."""

    def write(*days: float, **fields: Any) -> None:
        store.create(log)
        with closing(store.connect(log)) as connection:
            store._insert(connection, [_row(age, fields) for age in days])

    return write


def _row(age: float, fields: dict[str, Any]) -> store.Row:
    known: dict[str, Any] = {
        "time": (datetime.now(UTC) - timedelta(days=age)).isoformat(),
        "status": "written",
        "path": None,
        "sha256": None,
        "prompt": f"{age} days old",
        "provider": "wisgate",
        "model": MODEL,
        "settings": {"aspect": "1:1", "size": "1K"},
        "cost_usd": 0.058,
        "seconds": 20.0,
        **fields,
    }
    return store._row(LoggedCall(**known), None, 0)


def prompts(run: Run) -> list[str]:
    assert run.code == 0, run.err
    return [line.split("\t")[4] for line in run.out.splitlines()]


def env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "k"}


class TestListing:
    def test_shows_the_newest_20(self, nb: Nb, keep: Keep) -> None:
        keep(*range(30))
        assert prompts(nb("log")) == [f"{age} days old" for age in range(20)]
        assert prompts(nb("log", "-n", "2")) == ["0 days old", "1 days old"]
        assert len(prompts(nb("log", "--all"))) == 30
        assert len(prompts(nb("log", "--since", "25d"))) == 25

    def test_has_columns_for_programs(self, nb: Nb, keep: Keep) -> None:
        keep(0, path="/a\tb/fox.png", prompt="two\nlines", time="2026-11-26T21:54:18.123Z")
        keep(1, cost_usd=None, seconds=None, prompt=None, time="2026-11-25T21:54:18.123Z")
        assert nb("log", "--all").out.splitlines() == [
            "2026-11-26T21:54:18.123Z\t0.058000\t20.00\t/a\\tb/fox.png\ttwo\\nlines",
            "2026-11-25T21:54:18.123Z\t\t\t\t",
        ]

    @pytest.mark.parametrize(
        ("when", "ages"),
        [
            (("--since", "7d"), [1, 2]),
            (("--since", "36h"), [1]),
            (("--before", "1w"), [8, 400]),
            (("--since", "2w", "--before", "2160m"), [2, 8]),
        ],
    )
    def test_takes_ages(self, nb: Nb, keep: Keep, when: tuple[str, ...], ages: list[int]) -> None:
        keep(1, 2, 8, 400)
        assert prompts(nb("log", *when)) == [f"{age} days old" for age in ages]

    def test_takes_dates(self, nb: Nb, keep: Keep) -> None:
        keep(0, time="2026-11-01T00:00:00Z", prompt="first")
        keep(0, time="2026-10-31T23:59:59Z", prompt="before")
        assert prompts(nb("log", "--since", "2026-11-01", env={"TZ": "UTC"})) == ["first"]
        assert prompts(nb("log", "--before", "2026-11-01T00:00Z")) == ["before"]

    @pytest.mark.parametrize("time", ["yesterday", "-1d", "99999999999d", "7", "2026-13-01", ""])
    def test_refuses_other_times(self, nb: Nb, keep: Keep, time: str) -> None:
        keep(0)
        run = nb("log", f"--since={time}")
        shown = time or '""'
        assert run.code == 2
        assert run.err == (
            f"nb: --since {shown} is not a time\n"
            "hint: such as 12h, 7d, 2026-11-01 or 2026-11-01T18:00\n"
        )

    @pytest.mark.parametrize("columns", [40, 80, 120])
    def test_is_shown_on_a_terminal(self, keep: Keep, columns: int) -> None:
        keep(0, path=str(Path("fox.png").absolute()), prompt="a fox\x1b[31m " * 40)
        keep(1, status="failed", error="refused", charged="maybe", cost_usd=None, prompt="an owl")
        _, screen = run_in_pty("log", columns=columns)
        assert "\x1b[31m" not in screen
        for shown in ("fox.png", "$0.058", "maybe", "refused"):
            assert shown in screen


class TestSums:
    def test_by_day_model_and_provider(self, nb: Nb, keep: Keep) -> None:
        keep(0, time="2026-11-01T12:00:00Z")
        keep(0, time="2026-11-01T13:00:00Z", provider="google", model="other", cost_usd=0.1)
        keep(0, time="2026-11-02T12:00:00Z", cost_usd=None)
        keep(0, time="2026-11-02T12:00:00Z", cost_usd=None, charged="maybe")
        keep(0, time="2026-11-03T12:00:00Z", provider="sandbox", cost_usd=0.0, charged="no")
        assert nb("log", "--sum", "day", env={"TZ": "UTC"}).out.splitlines() == [
            "2026-11-03\t1\t0.000000\t0",
            "2026-11-02\t2\t0.000000\t2",
            "2026-11-01\t2\t0.158000\t0",
        ]
        assert nb("log", "--sum", "model").out.splitlines() == [
            "other\t1\t0.100000\t0",
            f"{MODEL}\t4\t0.058000\t2",
        ]
        run = nb("log", "--sum", "provider", "--json")
        assert [json.loads(line) for line in run.out.splitlines()] == [
            {"key": "google", "calls": 1, "cost_usd": 0.1, "unsure": 0},
            {"key": "wisgate", "calls": 3, "cost_usd": 0.058, "unsure": 2},
            {"key": "sandbox", "calls": 1, "cost_usd": 0.0, "unsure": 0},
        ]

    def test_of_a_part(self, nb: Nb, keep: Keep) -> None:
        keep(1, 2, 40)
        run = nb("log", "--sum", "provider", "--since", "7d")
        assert run.out == "wisgate\t2\t0.116000\t0\n"

    def test_has_a_total_on_a_terminal(self, keep: Keep) -> None:
        keep(*range(3))
        _, screen = run_in_pty("log", "--sum", "day", columns=80)
        assert [line.split()[:3] for line in screen.splitlines() if "total" in line] == [
            ["total", "3", "$0.174"]
        ]

    def test_by_anything_else_is_refused(self, nb: Nb) -> None:
        run = nb("log", "--sum", "months")
        assert (run.code, run.err.splitlines()[0]) == (2, "nb: --sum months is unknown")


class TestCommands:
    @pytest.mark.parametrize(
        "words",
        [
            ("a red fox", "-o", "fox.png"),
            ('it\'s "a" $(fox)', "--aspect", "16:9", "--size", "2K", "-o", "a b.png"),
            ("--", "-x"),
            ("a fox", "-i", "ref.png", "--thinking", "high", "--search", "-o", "fox.png"),
            ("a fox", "--temperature", "0.5", "--seed", "7", "--system", "be brief", "--alt"),
            ("two\nlines \x1b[31m \u202e\x85 é 'quoted' \\", "-o", "fox.png"),
        ],
    )
    def test_ask_for_the_same(self, nb: Nb, words: tuple[str, ...]) -> None:
        Path("ref.png").write_bytes(picture())
        both = reply({"text": "A fox."}, image_part(picture(1024, 1024)))
        with WireServer(Answer(body=both)) as server:
            at = env(server)
            assert nb("generate", *words, env=at).code == 0
            (line,) = nb("log", "--command", env=at).out.splitlines()
            assert "base-url" not in line
            typed = subprocess.run(
                ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True
            ).stdout.decode()
            program, *again = typed.split("\0")[:-1]
            assert program == "nb"
            assert nb(again[0], "--force", *again[1:], env=at).code == 0
            first, second = server.requests
            assert first.path == second.path
            assert json.loads(first.body) == json.loads(second.body)

    def test_leave_out_what_is_in_force(self, nb: Nb) -> None:
        words = ("generate", "a fox", "--aspect", "16:9", "--provider", "sandbox", "-o", "fox.png")
        assert nb(*words).code == 0
        assert nb("log", "--command").out == (
            f"nb generate 'a fox' --aspect 16:9 -o fox.png --model {MODEL} --provider sandbox\n"
        ).replace("-o fox.png --model", "--output fox.png --model")
        shorter = nb("log", "--command", env={"NB_PROVIDER": "sandbox", "NB_ASPECT": "16:9"}).out
        assert shorter == "nb generate 'a fox' --output fox.png\n"

    def test_of_a_text(self, nb: Nb) -> None:
        Path("fox.png").write_bytes(picture())
        with WireServer(told("Ein Fuchs.")) as server:
            words = ("caption", "fox.png", "--lang", "de", "--style", "title", "--write")
            assert nb(*words, env=env(server)).code == 0
            line = nb("log", "fox.png", "--command", env=env(server)).out
        assert shlex.split(line)[:3] == ["nb", "caption", "fox.png"]
        assert "--style title" in line
        assert "--lang de" in line
        assert "--write" in line


class TestForgetting:
    def test_leaves_nothing_in_the_file(self, nb: Nb, keep: Keep, log: Path) -> None:
        keep(*range(300), prompt="an ordinary prompt " * 20)
        keep(100, prompt="a very secret prompt " * 500)
        keep(*range(300), prompt="an ordinary prompt " * 20)
        assert b"very secret" in log.read_bytes()
        before = log.stat().st_size
        run = nb("log", "--forget", "--before", "99d", "--since", "101d", "--yes")
        assert (run.code, run.out, run.err) == (0, "", "removed 5 lines\n")
        assert b"very secret" not in log.read_bytes()
        assert log.stat().st_size < before
        assert len(prompts(nb("log", "--all"))) == 596
        assert log.stat().st_mode & 0o777 == 0o600

    def test_of_an_image_or_a_folder(self, nb: Nb, keep: Keep) -> None:
        here = Path.cwd()
        keep(0, path=f"{here}/images/fox.png", prompt="fox")
        keep(0, path=f"{here}/images/more/owl.png", prompt="owl")
        keep(0, path=f"{here}/images2/cat.png", prompt="cat")
        assert nb("log", "--forget", "images/fox.png", "--yes").err == "removed 1 line\n"
        assert nb("log", "--forget", "images", "--yes").err == "removed 1 line\n"
        assert prompts(nb("log")) == ["cat"]

    def test_of_all(self, nb: Nb, keep: Keep, log: Path) -> None:
        keep(1, 2, 3, prompt="a secret")
        assert nb("log", "--forget", "--all", "--yes").err == "removed 3 lines\n"
        assert b"secret" not in log.read_bytes()
        assert nb("log", "--forget", "--all", "--yes").err == "the log has no such lines\n"

    def test_needs_consent(self, nb: Nb, keep: Keep) -> None:
        keep(1, 2)
        run = nb("log", "--forget", "--all")
        assert run.code == 2
        assert run.err == (
            "nb: 2 lines would be removed, and nobody can be asked\nhint: --yes allows it\n"
        )
        assert len(prompts(nb("log"))) == 2
        _, screen = run_in_pty("log", "--forget", "--all", typed="n\n", after="[y/N]", columns=80)
        assert "remove 2 lines from the log for good? [y/N]" in screen
        assert len(prompts(nb("log"))) == 2
        run_in_pty("log", "--forget", "--all", typed="y\n", after="[y/N]", columns=80)
        assert prompts(nb("log")) == []

    def test_takes_no_empty_name(self, nb: Nb, keep: Keep) -> None:
        keep(1, path=str(Path("fox.png").absolute()))
        run = nb("log", "--forget", "", "--yes")
        assert (run.code, run.err.splitlines()[0]) == (2, "nb: an empty name is not a file")
        assert len(prompts(nb("log"))) == 1

    def test_needs_to_know_what(self, nb: Nb, keep: Keep) -> None:
        keep(1)
        run = nb("log", "--forget", "--yes")
        assert run.code == 2
        assert run.err.startswith("nb: --forget needs to know what\n")
        assert len(prompts(nb("log"))) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--sum", "day", "--command"),
        ("--command", "--json"),
        ("--forget", "--all", "--json"),
        ("--all", "-n", "3"),
    ],
)
def test_options_that_contradict_each_other_are_refused(nb: Nb, words: tuple[str, ...]) -> None:
    assert nb("log", *words).code == 2


class TestUsualSeconds:
    def test_are_the_median_of_the_newest(self, keep: Keep, log: Path) -> None:
        for age, seconds in enumerate([10.0, 30.0, 20.0]):
            keep(age, seconds=seconds)
        keep(0, seconds=1.0, error="refused")
        keep(0, 0, 0, seconds=2.0, settings={"size": "4K"})
        keep(*range(100, 200), seconds=99.0, provider="google")
        assert usual_seconds(log, "wisgate", MODEL, "1K") == 20.0
        assert usual_seconds(log, "wisgate", MODEL, "4K") == 2.0
        assert usual_seconds(log, "wisgate", MODEL, "2K") is None

    def test_are_not_known_without_a_log(self, log: Path) -> None:
        assert usual_seconds(None, "wisgate", MODEL, "1K") is None
        assert usual_seconds(log, "wisgate", MODEL, "1K") is None
        log.parent.mkdir(parents=True)
        log.write_bytes(b"not a database, but long enough to look like one" * 100)
        assert usual_seconds(log, "wisgate", MODEL, "1K") is None


def test_a_hundred_thousand_lines_take_no_time(nb: Nb, log: Path) -> None:
    fields: dict[str, Any] = {"prompt": "a red fox in the snow " * 10, "path": "/images/fox.png"}
    rows = [_row(age / 1000, fields) for age in range(1000)]
    store.create(log)
    with closing(sqlite3.connect(log)) as connection:
        store._insert(connection, rows)
        for _ in range(99):
            connection.executemany(store._INSERT, rows)
        connection.commit()
    Path("fox.png").write_bytes(picture())
    for words in ((), ("--sum", "day"), ("--sum", "model"), ("--since", "1h", "--sum", "model")):
        began = time.process_time()
        assert nb("log", *words).code == 0
        assert time.process_time() - began < 0.6, words
    assert nb("log", "fox.png").code == 2
    assert msgspec.json.decode(nb("log", "-n", "1", "--json").out)["path"] == "/images/fox.png"
