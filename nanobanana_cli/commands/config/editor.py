"""`nb config edit`: the user's file in an editor, checked before it takes effect."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import typer

from nanobanana_cli.errors import ConfigError, NbError, UsageError
from nanobanana_cli.files import make_private_folder, write_private
from nanobanana_cli.settings import config_files, credentials
from nanobanana_cli.settings.names import DEFAULTS, TYPES
from nanobanana_cli.settings.resolve import resolve
from nanobanana_cli.ui import prompt
from nanobanana_cli.ui.terminal import Terminal

_EDITORS = ("nano", "vi", "notepad")
_HEAD = "# Settings of nb, as TOML; remove the # in front of those to set.\n"


def run(terminal: Terminal) -> None:
    """Edit a copy of the user's file, and put it in place when it is valid.

    Raises:
        NbError: the editor failed, or what it left is invalid; the file is as it was.
    """
    path = config_files.user_path(terminal.env, config_files.current_folder())
    before = config_files.read(path)
    make_private_folder(path.parent)
    # A folder of its own, 0700, also holds what an editor leaves beside the file: it may have keys.
    with tempfile.TemporaryDirectory(prefix=".nb-edit-", dir=path.parent) as folder:
        draft = Path(folder) / "config.toml"
        write_private(draft, (_blank() if before is None else before).encode())
        start = draft.read_bytes()
        while True:
            _open(draft, terminal.env)
            if draft.read_bytes() == start:
                terminal.note("nothing was changed")
                return
            try:
                text = _checked(path, draft)
                break
            except NbError as error:
                _refuse_or_ask_again(error, path, terminal)
    write_private(path, text.encode())
    terminal.note(f"saved {path}")


def _blank() -> str:
    """Return a new file: every setting that has a default, as a comment."""
    quotes = {name: '"' if str in TYPES[name] else "" for name in DEFAULTS}
    lines = [f"# {n} = {quotes[n]}{value}{quotes[n]}" for n, value in DEFAULTS.items() if value]
    return "\n".join([_HEAD, *lines, ""])


def _open(draft: Path, env: Mapping[str, str]) -> None:
    """Run the editor; Ctrl-C is for it alone."""
    usual = next(filter(shutil.which, _EDITORS), "vi")
    typed = env.get("VISUAL") or env.get("EDITOR") or usual
    # Python's own handler, not SIG_IGN, which the editor would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        words = shlex.split(typed, posix=os.name != "nt")
        # The user's own choice of a program.
        status = subprocess.run([*words, str(draft)], check=False).returncode  # noqa: S603
    except (OSError, IndexError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a command"
        raise UsageError(
            f"cannot start the editor {typed}: {reason.lower()}",
            hint=f"name another one: EDITOR={usual} nb config edit",
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)
    if status:
        raise UsageError(f"the editor {typed} ended with status {status}", hint="nothing was saved")


def _checked(path: Path, draft: Path) -> str:
    """Return the edited text; raise NbError, about the file in its place, if it is invalid."""
    text = config_files.read(draft)
    if text is None:
        raise ConfigError("the editor removed the file")
    file = config_files.parse(path, text)
    resolve({}, {}, file, None)
    for provider, own in file.guarded.items():
        if "api-key" in own:
            credentials.check(own["api-key"], file.where_guarded(provider, "api-key"))
    return text


def _refuse_or_ask_again(error: NbError, path: Path, terminal: Terminal) -> None:
    """Return if the user wants to edit again; raise the error, or its status, if not."""
    unchanged = f"{path} is as it was"
    if not (terminal.stdin.isatty() and terminal.stderr.isatty()):
        error.hint = "\n".join(filter(None, (error.hint, unchanged)))
        raise error
    terminal.error(error)
    if not prompt.confirm(terminal, "edit it again?", default=True):
        terminal.note(unchanged)
        raise typer.Exit(error.code)
