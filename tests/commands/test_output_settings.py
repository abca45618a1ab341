"""What is configured for the output: format, folder, text, and the number of calls at once."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from conftest import Nb
from support.counting_server import CountingServer
from support.replies import failed, made, picture
from support.wire_server import WireServer

from nanobanana_cli.images.formats import sniff

_SANDBOX = {"NB_PROVIDER": "sandbox"}


def _names(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir() if path.name != "nb.toml")


@pytest.mark.parametrize("place", ["user", "project", "variable", "option"])
@pytest.mark.parametrize(
    ("setting", "value", "option", "made_files"),
    [
        ("format", '"webp"', ["--format", "webp"], ["fox.webp"]),
        ("alt", "true", ["--alt"], ["fox.alt.txt", "fox.png"]),
        ("output-folder", '"images"', ["-o", "images"], ["images"]),
    ],
)
def test_each_source_sets_it(
    nb: Nb, place: str, setting: str, value: str, option: list[str], made_files: list[str]
) -> None:
    Path("images").mkdir()
    env = dict(_SANDBOX)
    if place == "user":
        nb("config", "set", setting, value.strip('"'))
    elif place == "project":
        Path("nb.toml").write_text(f"{setting} = {value}\n")
    elif place == "variable":
        env[f"NB_{setting.upper().replace('-', '_')}"] = value.strip('"')
    run = nb("generate", "fox", *(option if place == "option" else []), env=env)
    assert (run.code, run.err.count("nb:")) == (0, 0)
    assert _names() == sorted({*made_files, "images"})
    assert _names("images") == (["fox.png"] if setting == "output-folder" else [])
    if setting == "output-folder":
        assert run.out == "images/fox.png\n"


@pytest.mark.parametrize(
    ("option", "env", "project", "user", "expected"),
    [
        ("png", "jpeg", "webp", "jpeg", "png"),
        (None, "jpeg", "webp", "png", "jpeg"),
        (None, None, "webp", "png", "webp"),
        (None, None, None, "webp", "webp"),
        ("auto", "webp", None, None, "png"),
    ],
)
def test_option_variable_project_user(
    nb: Nb,
    option: str | None,
    env: str | None,
    project: str | None,
    user: str | None,
    expected: str,
) -> None:
    if user:
        nb("config", "set", "format", user)
    if project:
        Path("nb.toml").write_text(f'format = "{project}"\n')
    options = ["--format", option] if option else []
    run = nb("generate", "fox", *options, env={**_SANDBOX, **({"NB_FORMAT": env} if env else {})})
    assert sniff(Path(run.out.strip()).read_bytes()) == f"image/{expected}"


def test_an_option_turns_off_what_is_configured(nb: Nb) -> None:
    Path("m.txt").write_text("an owl\n")
    env = {**_SANDBOX, "NB_ALT": "true", "NB_OUTPUT_FOLDER": "missing"}
    assert nb("generate", "fox", "--no-alt", "-o", "fox.png", env=env).code == 0
    assert nb("batch", "m.txt", "--no-alt", env=env).code == 0
    assert [name for name in _names() if "alt" in name] == []
    assert nb("batch", "m.txt", env=env).code == 0
    assert [name for name in _names() if "alt" in name] == ["an-owl.alt.txt"]


def test_a_suffix_wins_over_a_configured_format(nb: Nb) -> None:
    Path("m.jsonl").write_text('{"prompt": "an owl", "output": "owl.png"}\n{"prompt": "a hen"}\n')
    env = {**_SANDBOX, "NB_FORMAT": "webp", "NB_ALT": "true"}
    assert nb("generate", "fox", "-o", "fox.jpg", env=env).out.split()[0] == "fox.jpg"
    assert nb("generate", "fox", "-o", "hen", env=env).out.split()[0] == "hen.webp"
    assert nb("batch", "m.jsonl", env=env).code == 0
    assert {"owl.png", "a-hen.webp"} <= set(_names())
    for name, kind in (("fox.jpg", "jpeg"), ("owl.png", "png"), ("a-hen.webp", "webp")):
        assert sniff(Path(name).read_bytes()) == f"image/{kind}"
    assert nb("generate", "fox", "-o", "cat.png", "--format", "webp", env=env).code == 2
    # No file, so no text beside it.
    assert sniff(nb("generate", "fox", "-o", "-", env=env).raw) == "image/webp"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("NB_FORMAT", "gif", "NB_FORMAT=gif is not a format that nb writes"),
        ("NB_CONCURRENCY", "0", "NB_CONCURRENCY=0 is not a number of calls"),
        ("NB_ALT", "maybe", "NB_ALT=maybe is not a choice"),
    ],
)
def test_a_wrong_value(nb: Nb, name: str, value: str, message: str) -> None:
    run = nb("generate", "fox", env={**_SANDBOX, name: value})
    assert (run.code, run.err.splitlines()[0]) == (2, f"nb: {message}")


def test_the_folder_of_a_project_starts_there_and_stays_there(
    nb: Nb, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = Path.cwd()
    (top / "images").mkdir()
    (top / "pages").mkdir()
    Path("nb.toml").write_text('output-folder = "images"\n')
    monkeypatch.chdir("pages")
    run = nb("generate", "fox", env=_SANDBOX)
    assert run.out == f"{top}/images/fox.png\n"
    for folder in ("../elsewhere", "/tmp", "~"):
        (top / "nb.toml").write_text(f'output-folder = "{folder}"\n')
        run = nb("generate", "fox", env=_SANDBOX)
        assert run.code == 2
        assert run.err == (
            f"nb: output-folder in {top}/nb.toml, line 1, leads out of the project's folder\n"
            "hint: name a folder in it, such as images\n"
        )


def test_the_folder_of_a_user_may_be_in_the_home(nb: Nb) -> None:
    home = Path("~/Pictures").expanduser()
    nb("config", "set", "output-folder", "~/Pictures")
    run = nb("generate", "fox", env=_SANDBOX)
    assert (run.code, run.err.splitlines()[0]) == (6, f"nb: {home}: no such folder")
    home.mkdir()
    assert nb("generate", "fox", env=_SANDBOX).out == f"{home}/fox.png\n"
    assert nb("config", "get", "output-folder").out == f"{home}\n"


@pytest.mark.parametrize("place", ["setting", "option"])
@pytest.mark.parametrize("command", ["generate", "batch"])
def test_so_many_calls_at_once(nb: Nb, command: str, place: str) -> None:
    Path("m.txt").write_text("a\nb\nc\nd\n")
    words = {"generate": ["fox", "-n", "4"], "batch": ["m.txt"]}[command]
    if place == "option" and command == "batch":
        words += ["--concurrency", "2"]
    with CountingServer(latency=0.1) as server:
        env = {**server.env, "NB_CONCURRENCY": "2" if place == "setting" else "4"}
        assert nb(command, *words, env=env).code == 0
    assert server.most == (4 if (command, place) == ("generate", "option") else 2)


@pytest.mark.parametrize("options", [[], ["--concurrency", "2"]])
def test_so_many_images_are_described_at_once(nb: Nb, options: list[str]) -> None:
    for name, color in zip("abcd", ("red", "green", "blue", "black"), strict=True):
        Path(f"{name}.png").write_bytes(picture(color=color))
    # What ends the run is said when two have come, and by then a third would have.
    rejected = dataclasses.replace(failed(401), company=2, delay=0.3)
    with WireServer(rejected) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        env["NB_CONCURRENCY"] = "4" if options else "2"
        assert nb("caption", "*.png", *options, env=env).code == 4
    assert len(server.requests) == 2


def test_a_json_line_has_the_place(nb: Nb) -> None:
    Path("images").mkdir()
    with WireServer(made()) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        run = nb("generate", "fox", "--json", env={**env, "NB_OUTPUT_FOLDER": "images"})
    assert json.loads(run.out)["path"] == "images/fox.png"
