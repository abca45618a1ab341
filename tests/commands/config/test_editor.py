"""`nb config edit`: an editor changes the user's file, and nothing invalid takes effect."""

from __future__ import annotations

import shutil
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Nb
from support.pty_run import run_in_pty

from nanobanana_cli.settings.names import DEFAULTS
from nanobanana_cli.system import APP

Write = Callable[..., str]


@pytest.fixture
def user_file() -> Path:
    return Path("~/.config").expanduser() / APP / "config.toml"


@pytest.fixture
def editor(tmp_path: Path) -> Write:
    """Makes an editor of a shell script: its command line."""

    def write(script: str) -> str:
        path = tmp_path / "my editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return f"'{path}' --wait"

    return write


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_valid_is_saved(nb: Nb, user_file: Path, editor: Write) -> None:
    nb("config", "set", "aspect", "16:9")
    script = 'test "$1" = --wait && stat -c %a "$2" && echo \'size = "2K" # big\' >> "$2"'
    run = nb("config", "edit", env={"VISUAL": editor(script), "EDITOR": "false"})
    assert (run.code, run.out, run.err) == (0, "", f"saved {user_file}\n")
    assert user_file.read_text() == 'aspect = "16:9"\nsize = "2K" # big\n'
    assert _mode(user_file) == 0o600
    assert [path.name for path in user_file.parent.iterdir()] == ["config.toml"]


def test_the_copy_is_as_private_as_the_file(nb: Nb, editor: Write, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f'stat -c "%a" "$2" "$(dirname "$2")" > "{seen}"; echo >> "$2"'
    assert nb("config", "edit", env={"EDITOR": editor(script)}).code == 0
    assert seen.read_text().split() == ["600", "700"]


def test_a_new_file_lists_what_can_be_set(nb: Nb, user_file: Path, editor: Write) -> None:
    run = nb("config", "edit", env={"EDITOR": editor("exec sed -i 's/^# //' \"$2\"")})
    assert run.code == 2
    assert not user_file.exists()
    run = nb("config", "edit", env={"EDITOR": editor("exec sed -i '2,$s/^# //' \"$2\"")})
    assert (run.code, run.err) == (0, f"saved {user_file}\n")
    values = tomllib.loads(user_file.read_text())
    assert values.keys() == {name for name, default in DEFAULTS.items() if default}
    assert nb("config", "get", "retries").out == "3\n"


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        (
            'size = "9K"',
            2,
            'size = "9K" in {file}, line 2, is not an image size of gemini-3.1-flash-image-preview',
            "did you mean 4K? one of 0.5K, 1K, 2K, 4K",
        ),
        (
            "size = ",
            2,
            "{file} is not valid TOML: Invalid value (at line 2, column 8)",
            "edit the file",
        ),
        ("sise = 1", 2, "sise in {file}, line 2, is not a setting", "did you mean size?"),
        (
            'api-key = "<your key>"',
            4,
            "the key from {file}, line 2 is a placeholder, not a key",
            "put your own key in its place",
        ),
    ],
)
def test_what_is_invalid_changes_nothing(
    nb: Nb, user_file: Path, editor: Write, text: str, code: int, message: str, hint: str
) -> None:
    nb("config", "set", "aspect", "16:9")
    before = user_file.stat()
    run = nb("config", "edit", env={"EDITOR": editor(f"echo '{text}' >> \"$2\"")})
    assert (run.code, run.out) == (code, "")
    assert run.err == (
        f"nb: {message.format(file=user_file)}\nhint: {hint}\nhint: {user_file} is as it was\n"
    )
    assert user_file.read_text() == 'aspect = "16:9"\n'
    # Not the time of the last access, which reading changes.
    after = user_file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_invalid_file_can_be_mended(nb: Nb, user_file: Path, editor: Write) -> None:
    user_file.parent.mkdir(parents=True)
    user_file.write_text("broken")
    run = nb("config", "edit", env={"EDITOR": editor("echo 'retries = 1' > \"$2\"")})
    assert (run.code, run.err) == (0, f"saved {user_file}\n")


def test_nothing_changed(nb: Nb, user_file: Path) -> None:
    run = nb("config", "edit", env={"EDITOR": "true"})
    assert (run.code, run.err) == (0, "nothing was changed\n")
    assert not user_file.exists()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (
            "nosuch",
            "cannot start the editor nosuch: no such file or directory",
        ),
        (
            "'",
            "cannot start the editor ': not a command",
        ),
        ("false", "the editor false ended with status 1"),
    ],
)
def test_an_editor_that_fails(nb: Nb, user_file: Path, command: str, error: str) -> None:
    run = nb("config", "edit", env={"EDITOR": command})
    usual = "nano" if shutil.which("nano") else "vi"
    another = f"name another one: EDITOR={usual} nb config edit"
    hint = "nothing was saved" if "status" in error else another
    assert (run.code, run.err) == (2, f"nb: {error}\nhint: {hint}\n")
    assert not user_file.exists()


@pytest.mark.parametrize(("answer", "code"), [("\n", 0), ("n\n", 2), ("\x04", 2)])
def test_on_a_terminal_it_can_be_edited_again(
    user_file: Path, editor: Write, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    # Wrong the first time, right the second.
    script = (
        'if grep -q 9K "$2"; then echo "size = 2048" > "$2"; else echo "size = \'9K\'" > "$2"; fi'
    )
    monkeypatch.setenv("EDITOR", editor(script))
    monkeypatch.setenv("NO_COLOR", "1")
    status, screen = run_in_pty("config", "edit", typed=answer, after="[Y/n] ", columns=300)
    assert status == code
    assert "hint: did you mean 4K? one of 0.5K, 1K, 2K, 4K\r\nedit it again? [Y/n] " in screen
    assert screen.endswith(
        f"saved {user_file}\r\n" if code == 0 else f"{user_file} is as it was\r\n"
    )
    assert user_file.exists() is (code == 0)


def test_ctrl_c_is_for_the_editor(
    user_file: Path, editor: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'trap \'echo "retries = 1" > "$2"; exit 0\' INT; echo ready; sleep 5 & wait; exit 3'
    monkeypatch.setenv("EDITOR", editor(script))
    status, screen = run_in_pty("config", "edit", typed="\x03", after="ready", columns=300)
    assert (status, screen.splitlines()[-1]) == (0, f"^Csaved {user_file}")


def test_a_key_by_a_dash_and_how_to_check_it(nb: Nb, user_file: Path) -> None:
    run = nb("config", "set", "api-key", "-", stdin=b"sk-1234567890\n")
    assert run.err == f"wisgate.api-key set in {user_file}\ncheck it with `nb config check`\n"
    assert 'api-key = "sk-1234567890"' in user_file.read_text()
    run = nb("config", "set", "google.api-key", "-", stdin=b"AIza1234567890\n")
    assert run.err.endswith("\ncheck it with `nb config check --provider google`\n")
    run = nb("config", "set", "aspect", "-")
    assert (run.code, run.err.splitlines()[0]) == (
        2,
        "nb: aspect - is not an aspect ratio of gemini-3.1-flash-image-preview",
    )
