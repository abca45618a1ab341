"""Change one entry of the user's file, keeping comments and order. Pure, except for key files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from nanobanana_cli.catalog import DEFAULT_PROVIDER, PROVIDERS
from nanobanana_cli.errors import ConfigError, UsageError
from nanobanana_cli.settings import credentials
from nanobanana_cli.settings.config_files import ConfigFile, allowed_entries, parse
from nanobanana_cli.settings.headers import HEADERS, check_header
from nanobanana_cli.settings.names import GUARDED, TYPES
from nanobanana_cli.settings.resolve import resolve
from nanobanana_cli.settings.validators import switch
from nanobanana_cli.suggest import one_of

_HEADER = re.compile(rf"(?:(?P<provider>{'|'.join(PROVIDERS)})\.)?{HEADERS}\.(?P<name>.+)")


class SettingName(msgspec.Struct, frozen=True):
    """The name of an entry in a configuration file: `aspect`, `google.api-key`.

    Args:
        setting: such as `aspect` or `api-key`.
        provider: the provider that the entry belongs to, if any.
    """

    setting: str
    provider: str | None = None

    @property
    def header(self) -> str | None:
        """The name of the header that it is; None if it is none."""
        prefix, _, name = self.setting.partition(".")
        return name if prefix == HEADERS and name else None

    @property
    def is_secret(self) -> bool:
        """Return whether its value is never shown, nor typed as an argument."""
        return self.setting == "api-key" or self.header is not None

    def __str__(self) -> str:
        return f"{self.provider}.{self.setting}" if self.provider else self.setting


def parse_name(text: str, provider: str) -> SettingName:
    """Parse a setting's name.

    Args:
        text: as typed.
        provider: the one in force, used if the name gives none.

    Raises:
        UsageError: no such setting.
    """
    if found := _HEADER.fullmatch(text):
        check_header(found["name"])
        return SettingName(f"{HEADERS}.{found['name']}", found["provider"] or provider)
    prefix, dot, setting = text.rpartition(".")
    if setting not in TYPES or (dot and prefix not in PROVIDERS):
        if "=" in text:
            # What follows may be a key.
            entry = parse_name(text.partition("=")[0], provider)
            value = "" if entry.is_secret else " VALUE"
            raise UsageError(f"{entry}=… is not a setting", hint=f"nb config set {entry}{value}")
        owned = [f"{name}.{entry}" for name in PROVIDERS for entry in allowed_entries(name)]
        hint = one_of(text, [*TYPES, *owned], one_of("", TYPES))
        raise UsageError(f"{text} is not a setting", hint=hint)
    if setting not in GUARDED:
        if dot:
            raise UsageError(f"{setting} does not belong to a provider", hint=f"just {setting}")
        return SettingName(setting)
    owner = prefix if dot else provider
    if setting not in allowed_entries(owner):
        raise UsageError(f"the {owner} takes no key", hint="choose another with --provider")
    return SettingName(setting, owner)


def checked_value(file: ConfigFile, name: SettingName, text: str, cwd: Path) -> str:
    """Return the value to write, checked together with the rest of the file.

    Args:
        file: the file before the change.
        text: as typed; a relative `api-key-file` starts at `cwd`.

    Raises:
        UsageError: the value is invalid.
        ConfigError: the value would make another entry invalid.
        KeyRejected: it cannot be a key.
    """
    if name.header:
        check_header(name.header, text.strip())
        return text.strip()
    if name.setting == "api-key":
        return credentials.check(text.strip(), "the prompt or stdin")
    if name.setting == "api-key-file":
        path = credentials.key_file(text, cwd)
        credentials.read_key_file(path)
        return text if text.startswith("~") else str(path)
    options = {name.setting: text}
    if name.provider:
        options["provider"] = name.provider
    settings = resolve(options, {}, file, None, dashes="")
    value = getattr(settings, name.setting.replace("-", "_"))
    # An alias means another model at another provider, and ~ another folder for another user.
    is_kept = name.setting in ("model", "output-folder")
    return value if isinstance(value, str) and not is_kept else text


def with_entry(file: ConfigFile, name: SettingName, text: str) -> ConfigFile:
    """Return the file with one entry set; a provider's entry goes into its table.

    Raises:
        UsageError: changing the provider would give its entries at the top to another one.
        ConfigError: the file's layout does not allow the change.
    """
    if name.setting == "provider":
        _refuse_new_owner(file, text)
    document = _document(file)
    value = _toml_value(name.setting, text)
    try:
        if name.provider and name.header:
            own = document.setdefault(name.provider, {})
            own.setdefault(HEADERS, {})[name.header] = value
        elif name.provider:
            document.setdefault(name.provider, {})[name.setting] = value
            if name.provider == _owner(file):
                document.pop(name.setting, None)
        else:
            document[name.setting] = value
    except Exception as error:
        raise _unchangeable(file, name) from error
    return _verified(file, _changed(file, name, str(value)), document, name)


def without_entry(file: ConfigFile, name: SettingName) -> ConfigFile:
    """Return the file without one entry, or the same file if it has none.

    Raises:
        UsageError, ConfigError: see `with_entry`.
    """
    if value_of(file, name) is None:
        return file
    if name.setting == "provider":
        _refuse_new_owner(file, DEFAULT_PROVIDER)
    document = _document(file)
    try:
        table = document.get(name.provider, {}) if name.provider else document
        if name.header:
            table.get(HEADERS, {}).pop(name.header, None)
        table.pop(name.setting, None)
        if name.provider == _owner(file):
            document.pop(name.setting, None)
    except Exception as error:
        raise _unchangeable(file, name) from error
    return _verified(file, _changed(file, name, None), document, name)


def value_of(file: ConfigFile, name: SettingName) -> str | None:
    """Return the file's value for a name, or None."""
    entries = file.guarded.get(name.provider, {}) if name.provider else file.values
    return entries.get(name.setting)


def _refuse_new_owner(file: ConfigFile, provider: str) -> None:
    owner = _owner(file)
    if provider == owner:
        return
    at_top = [name for name in GUARDED if name in _document(file)]
    if at_top:
        raise UsageError(
            f"{', '.join(at_top)} at the top of {file.path} would then belong to {provider},"
            f" not {owner}",
            hint=f"move it under [{owner}] first",
        )


def _owner(file: ConfigFile) -> str:
    return file.values.get("provider", DEFAULT_PROVIDER)


def _document(file: ConfigFile) -> Any:
    import tomlkit

    try:
        return tomlkit.parse(file.text)
    except ValueError as error:
        raise ConfigError(f"cannot edit {file.path}: {error}", hint="edit it by hand") from None


def _toml_value(setting: str, text: str) -> str | int | float:
    if str in TYPES.get(setting, (str,)):
        return text
    if bool in TYPES[setting]:
        return switch(text)
    try:
        return int(text)
    except ValueError:
        return float(text)


def _changed(file: ConfigFile, name: SettingName, text: str | None) -> ConfigFile:
    """Return the values that the file must have after the change."""

    def change(entries: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in entries.items() if key != name.setting}
        return kept if text is None else {**kept, name.setting: text}

    if name.provider is None:
        return replace(file, values=change(file.values))
    own = change(file.guarded.get(name.provider, {}))
    return replace(file, guarded={**file.guarded, name.provider: own})


def _verified(file: ConfigFile, wanted: ConfigFile, document: Any, name: SettingName) -> ConfigFile:
    """Return the changed file; raise unless it has the values wanted and no others."""
    try:
        text = document.as_string()
        result = parse(file.path, text)
    except Exception as error:
        raise _unchangeable(file, name) from error
    if result.values != wanted.values or _nonempty(result.guarded) != _nonempty(wanted.guarded):
        raise _unchangeable(file, name)
    return result


def _nonempty(guarded: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {provider: dict(entries) for provider, entries in guarded.items() if entries}


def _unchangeable(file: ConfigFile, name: SettingName) -> ConfigError:
    return ConfigError(f"cannot change {name} in {file.path}", hint="edit the file by hand")
