"""`nb config`, as a user and a script see it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.pty_run import run_in_pty

from nanobanana_cli.system import APP

if TYPE_CHECKING:
    from conftest import Nb

SECRET = "secret-key-123"


@pytest.fixture
def user_file() -> Path:
    return Path("~/.config").expanduser() / APP / "config.toml"


def test_set_get_unset(nb: Nb, user_file: Path) -> None:
    assert nb("config", "get", "aspect").out == "auto\n"
    done = nb("config", "set", "aspect", "16:9")
    assert (done.code, done.out, done.err) == (0, "", f"aspect set in {user_file}\n")
    assert nb("config", "get", "aspect").out == "16:9\n"
    assert nb("config", "unset", "aspect").err == f"aspect removed from {user_file}\n"
    assert nb("config", "unset", "aspect").err == f"aspect was not set in {user_file}\n"
    assert nb("config", "get", "aspect").out == "auto\n"


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [
        ("size", "2k", "2K"),
        ("timeout", "30", "30"),
        ("retries", "0", "0"),
        ("max-cost", "0.50", "0.5"),
        ("provider", "sandbox", "sandbox"),
        ("base-url", "https://gate.example/v1beta", "https://gate.example"),
        ("concurrency", "4", "4"),
        ("format", "JPG", "jpeg"),
        ("output-folder", "/tmp", "/tmp"),
        ("alt", "true", "true"),
        ("alt", "1", "true"),
        ("sandbox.base-url", "http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_a_value_comes_back_as_it_will_be_used(nb: Nb, name: str, typed: str, shown: str) -> None:
    assert nb("config", "set", name, typed).code == 0
    assert nb("config", "get", name).out == f"{shown}\n"


@pytest.mark.parametrize("name", ["max-cost", "api-key", "google.api-key", "sandbox.base-url"])
def test_get_prints_nothing_for_what_is_not_set(nb: Nb, name: str) -> None:
    run = nb("config", "get", name)
    assert (run.code, run.out) == (0, "")
    assert run.err.endswith("is not set\n")
    assert nb("config", "get", name, "-q").err == ""


def test_a_key_is_read_from_stdin_into_a_private_file(nb: Nb, user_file: Path) -> None:
    previous = os.umask(0)
    try:
        run = nb("config", "set", "api-key", stdin=f"{SECRET}\r\n".encode())
    finally:
        os.umask(previous)
    check = "check it with `nb config check`"
    assert (run.code, run.err) == (0, f"wisgate.api-key set in {user_file}\n{check}\n")
    assert user_file.read_text() == f'[wisgate]\napi-key = "{SECRET}"\n'
    assert stat.S_IMODE(user_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(user_file.parent.stat().st_mode) == 0o700
    assert nb("config", "get", "api-key").out == "********\n"


def test_a_key_goes_to_the_provider_that_is_meant(nb: Nb, user_file: Path) -> None:
    assert nb("config", "set", "google.api-key", stdin=b"g1").code == 0
    assert nb("config", "set", "api-key", "--provider", "google", stdin=b"g2").code == 0
    assert nb("config", "set", "api-key", stdin=b"g3", env={"NB_PROVIDER": "google"}).code == 0
    assert user_file.read_text() == '[google]\napi-key = "g3"\n'


def test_a_key_as_an_argument_is_refused(nb: Nb, user_file: Path) -> None:
    run = nb("config", "set", "api-key", SECRET)
    assert run.code == 2
    assert SECRET not in run.err
    assert not user_file.exists()


@pytest.mark.parametrize(("stdin", "code"), [(b"", 2), (b" \n", 2), (b"a b", 4), (b"\xff\xfe", 4)])
def test_what_is_no_key_is_not_written(nb: Nb, user_file: Path, stdin: bytes, code: int) -> None:
    assert nb("config", "set", "api-key", stdin=stdin).code == code
    assert not user_file.exists()


def test_a_key_is_asked_for_unseen(user_file: Path) -> None:
    code, screen = run_in_pty("config", "set", "api-key", typed=f"{SECRET}\n", after="not shown")
    assert code == 0
    assert "Key for wisgate (not shown): " in screen
    assert SECRET not in screen
    assert SECRET in user_file.read_text()


def test_ctrl_d_at_the_prompt_is_no_key(user_file: Path) -> None:
    code, screen = run_in_pty("config", "set", "api-key", typed="\x04", after="not shown")
    assert "(not shown): \r\n" in screen
    assert code == 2
    assert "no key given for wisgate" in screen
    assert not user_file.exists()


def test_ctrl_c_at_the_hidden_prompt_has_a_line_of_its_own() -> None:
    code, screen = run_in_pty("config", "set", "api-key", typed="\x03", after="not shown")
    assert code == 130
    assert "(not shown): \r\n" in screen
    assert "stopped by Ctrl-C" in screen


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("set", "aspect", "16-9"), "nb: aspect 16-9 is not an aspect ratio of "),
        (("set", "aspect"), "nb: no value for aspect\nhint: nb config set aspect VALUE\n"),
        (("set", "asepct", "1:1"), "nb: asepct is not a setting\nhint: did you mean aspect?"),
        (("set", "sandbox.api-key"), "nb: the sandbox takes no key\n"),
        (
            ("set", "aspect", "1:1", "--provider", "google"),
            "nb: --provider google does not apply to aspect\n",
        ),
        (
            ("set", "google.api-key", "--provider", "wisgate"),
            "nb: --provider wisgate does not apply to google.api-key\n",
        ),
        (("set", "api-key", "--provider", "gogle"), "nb: --provider gogle is not a provider\n"),
        (("get", "colour"), "nb: colour is not a setting\n"),
        (("unset", "colour"), "nb: colour is not a setting\n"),
    ],
)
def test_mistakes_cost_nothing(
    nb: Nb, user_file: Path, argv: tuple[str, ...], message: str
) -> None:
    run = nb("config", *argv)
    assert run.code == 2
    assert run.err.startswith(message)
    assert "harged" not in run.err
    assert not user_file.exists()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("broken", "is not valid TOML"),
        ('sise = "2K"', "is not a setting"),
        ('api-key = "x"', "is not allowed in a project file"),
        ('provider = "gogle"', "gogle"),
    ],
)
def test_a_wrong_project_file_keeps_nobody_from_writing_their_own(
    nb: Nb, user_file: Path, text: str, wrong: str
) -> None:
    project = Path.cwd() / "nb.toml"
    project.write_text(text)
    for argv, said in (
        (["set", "aspect", "16:9"], f"aspect set in {user_file}"),
        (["unset", "aspect"], f"aspect removed from {user_file}"),
    ):
        run = nb("config", *argv)
        note, done = run.err.splitlines()
        assert (run.code, run.out, done) == (0, "", said)
        assert note.startswith("note: ")
        assert str(project) in note
        assert wrong in note
    assert nb("config", "set", "api-key", stdin=b"k").code == 0
    assert nb("config", "get", "aspect").code == 2
    assert project.read_text() == text


def test_set_warns_of_what_takes_precedence(nb: Nb) -> None:
    run = nb("config", "set", "aspect", "16:9", env={"NB_ASPECT": "4:3"})
    assert run.err.endswith("note: NB_ASPECT takes precedence\n")
    run = nb("config", "set", "api-key", stdin=b"k", env={"WISDOM_GATE_KEY": "w"})
    assert "\nnote: WISDOM_GATE_KEY takes precedence\n" in run.err
    Path("key.txt").write_text("k")
    run = nb("config", "set", "api-key-file", "key.txt")
    assert "note: api-key in " in run.err
    project = Path.cwd() / "nb.toml"
    project.write_text('size = "2K"')
    assert nb("config", "set", "size", "4K").err.endswith(f"note: {project} takes precedence\n")


def test_list_shows_values_and_origins(nb: Nb, user_file: Path) -> None:
    nb("config", "set", "timeout", "30")
    nb("config", "set", "google.api-key", stdin=SECRET.encode())
    Path("nb.toml").write_text('aspect = "4:3"')
    env = {"NB_MAX_COST": "0.5", "WISDOM_GATE_KEY": SECRET}
    run = nb("config", "list", env=env)
    assert run.out.splitlines() == [
        "provider\twisgate\tdefault",
        "base-url\thttps://wisgate.ai\tdefault",
        "model\tgemini-3.1-flash-image-preview\tdefault",
        f"aspect\t4:3\t{Path.cwd() / 'nb.toml'}",
        "size\t1K\tdefault",
        f"timeout\t30\t{user_file}",
        "retries\t3\tdefault",
        "wait\t\tdefault",
        "max-cost\t0.5\tNB_MAX_COST",
        "concurrency\t\tdefault",
        "format\tauto\tdefault",
        "output-folder\t\tdefault",
        "alt\tfalse\tdefault",
        "open\tfalse\tdefault",
        "preview\tfalse\tdefault",
        "log\ttrue\tdefault",
        "caption-model\tgemini-3.1-flash-image-preview\tdefault",
        "price\t\tdefault",
        "confirm-above\t10\tdefault",
        "keep-replies\ttrue\tdefault",
        "memory-limit\t600\tdefault",
        "wisgate.api-key\t********\tWISDOM_GATE_KEY",
        f"google.api-key\t********\t{user_file}",
    ]
    rows = [json.loads(line) for line in nb("config", "list", "--json", env=env).out.splitlines()]
    assert rows[5] == {"name": "timeout", "value": 30.0, "origin": str(user_file)}
    assert [row["value"] for row in rows[8:22]] == [
        0.5,
        None,
        "auto",
        None,
        False,
        False,
        False,
        True,
        "gemini-3.1-flash-image-preview",
        None,
        10.0,
        True,
        600,
        "********",
    ]


def test_path(nb: Nb, user_file: Path) -> None:
    run = nb("config", "path")
    assert (run.code, run.out, run.err) == (0, f"{user_file}\n", "")
    project = Path.cwd() / "nb.toml"
    # The path of a file is told whatever the file says.
    project.write_text("broken")
    assert nb("config", "path").err == f"in this folder, {project} takes precedence\n"
    named = nb("config", "path", "-q", env={"NB_CONFIG": "mine.toml"})
    assert (named.out, named.err) == (f"{Path.cwd() / 'mine.toml'}\n", "")


def test_a_file_that_nb_config_names_is_created_by_set_alone(nb: Nb) -> None:
    env = {"NB_CONFIG": "mine.toml"}
    assert nb("config", "list", env=env).code == 2
    assert nb("config", "set", "aspect", "4:3", env=env).code == 0
    assert Path("mine.toml").read_text() == 'aspect = "4:3"\n'
    assert nb("config", "get", "aspect", env=env).out == "4:3\n"


def test_a_wrong_value_can_be_corrected(nb: Nb, user_file: Path) -> None:
    user_file.parent.mkdir(parents=True)
    user_file.write_text('aspect = "16-9"\n')
    assert nb("config", "list").code == 2
    assert nb("config", "set", "aspect", "16:9").code == 0
    user_file.write_text('aspect = "16-9"\n')
    assert nb("config", "unset", "aspect").code == 0
    assert nb("config", "list").code == 0


def test_a_linked_file_stays_a_link(nb: Nb, user_file: Path) -> None:
    user_file.parent.mkdir(parents=True)
    real = Path("dotfiles.toml").resolve()
    real.write_text("# mine\n")
    user_file.symlink_to(real)
    assert nb("config", "set", "aspect", "4:3").code == 0
    assert user_file.is_symlink()
    assert real.read_text() == '# mine\naspect = "4:3"\n'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.sampled_from([b"asepct = 1", b'aspect = "', b"aspect = 1", b"[wisgate", b"\xff", b"api-key"])
    | st.binary(min_size=1).filter(
        lambda data: b"\n" not in data and not data.strip().startswith(b"#")
    )
)
def test_a_file_that_is_not_understood_is_never_overwritten(nb: Nb, data: bytes) -> None:
    file = Path("mine.toml")
    file.write_bytes(data)
    run = nb("config", "set", "aspect", "4:3", env={"NB_CONFIG": str(file)})
    assert run.code in {0, 2}
    if run.code:
        assert file.read_bytes() == data
        assert "mine.toml" in run.err


def test_every_subcommand_has_an_example(nb: Nb) -> None:
    for name in ("set", "get", "unset", "list", "path", "check"):
        assert "Example" in nb("config", name, "--help").out
    assert nb("config").out == nb("config", "--help").out
