"""The guide for coding agents: `nb help agents`. `tests/test_docs.py` runs its commands."""

from __future__ import annotations

import re
import subprocess

import pytest
from conftest import Nb, NbProcess
from support import docs

from nanobanana_cli.errors import ExitCode

GUIDE = docs.GUIDE.read_text("ascii")


def _front_matter() -> dict[str, str]:
    lines = GUIDE.split("---\n")[1].splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_the_guide_is_printed_as_it_is_shipped(nb: Nb) -> None:
    run = nb("help", "agents")
    assert (run.code, run.raw, run.err) == (0, docs.GUIDE.read_bytes(), "")


def test_no_locale_and_no_width_changes_it(nb_process: NbProcess) -> None:
    run = nb_process("help", "agents", env={"LC_ALL": "C", "COLUMNS": "40"})
    assert run.raw == docs.GUIDE.read_bytes()


def test_a_reader_that_has_enough_ends_it_quietly(nb_process: NbProcess) -> None:
    with nb_process.start("help", "agents", stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_its_head_is_that_of_an_agent_skill() -> None:
    # https://agentskills.io/specification
    head = _front_matter()
    assert set(head) <= {"name", "description", "license", "compatibility", "metadata"}
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", head["name"])
    assert len(head["name"]) <= 64
    assert docs.GUIDE.name == "SKILL.md"
    assert docs.GUIDE.parent.name == head["name"]
    # Some agents show the first 250 characters alone.
    assert 0 < len(head["description"]) <= 250
    assert len(head["compatibility"]) <= 500
    # Plain values of YAML: no sign that would begin something else.
    assert all(re.fullmatch(r"[A-Za-z](?:(?!: | #).)*", value) for value in head.values())


def test_it_costs_an_agent_little() -> None:
    # A token is some four characters.
    assert len(GUIDE) < 4 * 1_700


def test_it_says_what_to_do_after_each_status() -> None:
    table = GUIDE.partition("## Exit statuses")[2].partition("\n## ")[0]
    named = {int(code) for code in re.findall(r"(?<!\w)\d{1,3}(?!\w| s)", table.replace("30m", ""))}
    assert named >= set(ExitCode)


@pytest.mark.parametrize("fault", re.findall(r"`\[\[fault:(\w+)\]\]` \((?:status )?(\d+)\)", GUIDE))
def test_its_faults_end_as_it_says(nb: Nb, fault: tuple[str, str]) -> None:
    name, status = fault
    prompt = f"a fox [[fault:{name}]]"
    run = nb("generate", prompt, "--provider", "sandbox", "--json", "--retries", "0")
    assert run.code == int(status)


def test_the_faults_are_found() -> None:
    assert GUIDE.count("[[fault:") == 3


def test_what_needs_consent_ends_without_a_terminal(nb: Nb) -> None:
    many = ("generate", "a fox", "-n", "100", "-s", "4K", "--provider", "google", "-o", "fox.jpg")
    run = nb(*many, "--json", env={"GEMINI_API_KEY": "x" * 39})
    assert run.code == ExitCode.USAGE
    assert "--max-cost" in run.err


@pytest.mark.parametrize("line", ["agents", "skill", "help agent", "help SKILL.md"])
def test_who_looks_for_the_guide_elsewhere_finds_it(nb: Nb, line: str) -> None:
    run = nb(*line.split())
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[1] == "hint: did you mean `nb help agents`?"


def test_the_guide_is_not_json(nb: Nb) -> None:
    run = nb("help", "agents", "--json")
    assert (run.code, run.out) == (2, "")
    assert run.err == (
        "nb: the guide is text, not JSON\nhint: nb help agents, or: nb help --json\n"
    )


def test_an_option_that_help_does_not_take_suggests_no_call(nb: Nb) -> None:
    run = nb("help", "agents", "-q")
    assert (run.code, run.out) == (2, "")
    assert run.err == "nb: no such option: -q\nhint: see `nb help --help`\n"
    assert nb("help", "--jsn").err.endswith("did you mean --json? see `nb help --help`\n")
