"""Run the subcommands of `nb config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nanobanana_cli.commands.config import listing
from nanobanana_cli.errors import ConfigError, NbError, UsageError
from nanobanana_cli.files import write_private
from nanobanana_cli.settings import Settings, config_files, edit, load, resolve, validators
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.edit import SettingName
from nanobanana_cli.ui import prompt
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.commands.config.check import Check


def set_entry(terminal: Terminal, name: str, value: str | None, provider: str | None) -> None:
    """Write one entry of the user's file.

    Args:
        name: as typed, with or without a provider.
        value: as typed; None or `-` for a key, which comes from the prompt or stdin.
        provider: as typed; by default the one in the name, or the one in force.

    Raises:
        NbError: the name, the value or the file is invalid; nothing was written.
    """
    cwd = config_files.current_folder()
    file = config_files.user_file(terminal.env, cwd, create=True)
    project = _project(terminal, cwd)
    entry = _entry(terminal, name, provider, file, project)
    text = edit.checked_value(file, entry, _value(terminal, entry, value), cwd)
    changed = edit.with_entry(file, entry, text)
    write_private(changed.path, changed.text.encode())
    terminal.note(f"{entry} set in {file.path}")
    if entry.setting == "base-url" and (model := validators.split_address(value or "")[1]):
        terminal.warn(f"the model in the address is left out: nb config set model {model}")
    if source := listing.overriding_source(changed, project, terminal.env, entry):
        terminal.warn(f"{source} takes precedence")
    if entry.setting in ("api-key", "api-key-file"):
        in_force = resolve.provider_in_force(None, terminal.env, changed, project)
        chosen = "" if entry.provider == in_force else f" --provider {entry.provider}"
        terminal.note(f"check it with `nb config check{chosen}`")


def unset_entry(terminal: Terminal, name: str, provider: str | None) -> None:
    """Remove one entry of the user's file; for arguments and errors see `set_entry`."""
    cwd = config_files.current_folder()
    file = config_files.user_file(terminal.env, cwd)
    entry = _entry(terminal, name, provider, file, _project(terminal, cwd))
    changed = edit.without_entry(file, entry)
    if changed is file:
        terminal.note(f"{entry} was not set in {file.path}")
        return
    write_private(changed.path, changed.text.encode())
    terminal.note(f"{entry} removed from {file.path}")


def show_entry(terminal: Terminal, name: str) -> None:
    """Print the value in force."""
    settings = _load(terminal, {})
    entry = edit.parse_name(name, settings.provider)
    if entry.provider not in {None, settings.provider}:
        settings = _load(terminal, {"provider": entry.provider})
    row = listing.row(settings, terminal.env, entry)
    if row.value is None:
        terminal.note(f"{entry} is not set")
    else:
        terminal.result(row.text)


def show_all(terminal: Terminal, *, as_json: bool) -> None:
    """Print all values in force with their origins."""
    rows = list(listing.rows(_load(terminal, {}), terminal.env))
    if as_json:
        for row in rows:
            terminal.json(row)
    else:
        cells = [(row.name, row.text, row.origin) for row in rows]
        terminal.table(("Setting", "Value", "From"), cells)


def show_path(terminal: Terminal) -> None:
    """Print the path of the user's file, and on stderr that of a project file."""
    cwd = config_files.current_folder()
    terminal.result(str(config_files.user_path(terminal.env, cwd)))
    if project := config_files.project_path(terminal.env, cwd):
        terminal.note(f"in this folder, {project} takes precedence")


def check(
    terminal: Terminal, options: Mapping[str, str | None], *, balance: bool, as_json: bool
) -> int:
    """Print each check.

    Returns:
        The exit status of the first failed check, or 0.
    """
    from nanobanana_cli.commands.config.check import CheckLine

    first: NbError | None = None
    for each in _checks(terminal, options, balance=balance):
        first = first or each.error
        if as_json:
            terminal.json(CheckLine(each.state, each.about, each.message, each.hint))
        else:
            terminal.result(f"{each.state:<8} {each.about:<12} {each.message}")
            for line in (each.hint or "").splitlines():
                terminal.note(f"hint: {line}")
    return first.code if first else 0


def _load(terminal: Terminal, options: Mapping[str, str | None]) -> Settings:
    return load(terminal.env, config_files.current_folder(), options)


def _project(terminal: Terminal, cwd: Path) -> ConfigFile | None:
    """Read the project's file; if it is invalid, warn and return None: it is not written to."""
    try:
        project = config_files.project_file(terminal.env, cwd)
        if project:
            resolve.provider_in_force(None, {}, project, None)
    except ConfigError as error:
        terminal.warn(error.message)
        return None
    return project


def _entry(
    terminal: Terminal,
    name: str,
    provider: str | None,
    file: ConfigFile,
    project: ConfigFile | None,
) -> SettingName:
    """Return the entry named; raise UsageError if `--provider` contradicts the name."""
    in_force = resolve.provider_in_force(provider, terminal.env, file, project)
    entry = edit.parse_name(name, in_force)
    if provider is not None and entry.provider != provider:
        raise UsageError(
            f"--provider {provider} does not apply to {entry}",
            hint="it applies to api-key, api-key-file and base-url",
        )
    return entry


def _value(terminal: Terminal, entry: SettingName, value: str | None) -> str:
    """Return the value from the argument, or a key from the prompt or stdin."""
    if not entry.is_secret:
        if value is None:
            raise UsageError(f"no value for {entry}", hint=f"nb config set {entry} VALUE")
        return value
    what = "header's value" if entry.header else "key"
    if value not in (None, "-"):
        raise UsageError(
            f"a {what} cannot be given as an argument, where others could see it",
            hint=f"`nb config set {entry}` asks for it or reads it from stdin",
        )
    if terminal.stdin.isatty():
        key = prompt.hidden(terminal, f"{_asked(entry)} (not shown): ")
    else:
        key = terminal.read().decode("utf-8-sig", "replace")
    if not key.strip():
        owner = entry if entry.header else entry.provider
        raise UsageError(f"no {what} given for {owner}", hint="paste it, then press Enter")
    return key


def _asked(entry: SettingName) -> str:
    return f"Header {entry.header}" if entry.header else f"Key for {entry.provider}"


def _checks(
    terminal: Terminal, options: Mapping[str, str | None], *, balance: bool
) -> Iterator[Check]:
    from nanobanana_cli.commands.config import check as config_check

    try:
        settings = _load(terminal, options)
    except ConfigError as error:
        yield config_check.failed("settings", error)
        return
    if settings.base_url:
        yield from config_check.run(settings, terminal.env, balance=balance)
        return
    from nanobanana_cli.sandbox.server import Sandbox

    with Sandbox() as sandbox:
        local = replace(settings, base_url=sandbox.url)
        yield from config_check.run(local, terminal.env, balance=balance)
