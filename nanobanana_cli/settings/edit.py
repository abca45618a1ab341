"""Changing one entry of the user's file; comments and order stay. Pure, but for key files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from nanobanana_cli.catalog import DEFAULT_PROVIDER
from nanobanana_cli.errors import ConfigError, UsageError
from nanobanana_cli.settings import credentials
from nanobanana_cli.settings.config_files import GUARDED, TYPES, ConfigFile, parse
from nanobanana_cli.settings.names import SettingName
from nanobanana_cli.settings.resolve import resolve


def normal(file: ConfigFile, name: SettingName, text: str, cwd: Path) -> str:
    """A value as it is to stand in the file, checked together with the rest of the file.

    Args:
        file: the file before the change.
        text: as typed; a relative `api-key-file` begins at `cwd`.

    Raises:
        UsageError: the setting does not take it.
        ConfigError: with it, another entry of the file would no longer fit.
        KeyRejected: it cannot be a key.
    """
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
    return value if isinstance(value, str) else text


def with_entry(file: ConfigFile, name: SettingName, text: str) -> ConfigFile:
    """The file with one entry set; what belongs to a provider goes into its table.

    Raises:
        UsageError: a change of provider that would silently give its entries at the top to another.
        ConfigError: the file's layout does not allow the change.
    """
    if name.setting == "provider":
        _refuse_changing_sides(file, text)
    document = _document(file)
    value = _typed(name.setting, text)
    try:
        if name.provider:
            document.setdefault(name.provider, {})[name.setting] = value
            if name.provider == _owner(file):
                document.pop(name.setting, None)
        else:
            document[name.setting] = value
    except Exception as error:
        raise _impossible(file, name) from error
    return _verified(file, _changed(file, name, str(value)), document, name)


def without_entry(file: ConfigFile, name: SettingName) -> ConfigFile:
    """The file without one entry; the same file when it has none.

    Raises:
        UsageError, ConfigError: as `with_entry`.
    """
    if value_of(file, name) is None:
        return file
    if name.setting == "provider":
        _refuse_changing_sides(file, DEFAULT_PROVIDER)
    document = _document(file)
    try:
        table = document.get(name.provider, {}) if name.provider else document
        table.pop(name.setting, None)
        if name.provider == _owner(file):
            document.pop(name.setting, None)
    except Exception as error:
        raise _impossible(file, name) from error
    return _verified(file, _changed(file, name, None), document, name)


def value_of(file: ConfigFile, name: SettingName) -> str | None:
    """What the file says for a name; None when it says nothing."""
    entries = file.guarded.get(name.provider, {}) if name.provider else file.values
    return entries.get(name.setting)


def _refuse_changing_sides(file: ConfigFile, provider: str) -> None:
    owner = _owner(file)
    if provider == owner:
        return
    at_top = [name for name in GUARDED if name in _document(file)]
    if at_top:
        raise UsageError(
            f"{', '.join(at_top)} at the top of {file.path} would pass from {owner} to {provider}",
            hint=f"move it under [{owner}] first",
        )


def _owner(file: ConfigFile) -> str:
    return file.values.get("provider", DEFAULT_PROVIDER)


def _document(file: ConfigFile) -> Any:
    import tomlkit

    try:
        return tomlkit.parse(file.text)
    except ValueError as error:
        raise ConfigError(
            f"{file.path} cannot be edited: {error}", hint="edit it by hand"
        ) from None


def _typed(setting: str, text: str) -> str | int | float:
    if str in TYPES[setting]:
        return text
    try:
        return int(text)
    except ValueError:
        return float(text)


def _changed(file: ConfigFile, name: SettingName, text: str | None) -> ConfigFile:
    """What the file has to say after the change."""

    def change(entries: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in entries.items() if key != name.setting}
        return kept if text is None else {**kept, name.setting: text}

    if name.provider is None:
        return replace(file, values=change(file.values))
    own = change(file.guarded.get(name.provider, {}))
    return replace(file, guarded={**file.guarded, name.provider: own})


def _verified(file: ConfigFile, wanted: ConfigFile, document: Any, name: SettingName) -> ConfigFile:
    """The document as a file, provided that it says what it should and nothing else changed."""
    try:
        text = document.as_string()
        result = parse(file.path, text)
    except Exception as error:
        raise _impossible(file, name) from error
    if result.values != wanted.values or _filled(result.guarded) != _filled(wanted.guarded):
        raise _impossible(file, name)
    return result


def _filled(guarded: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {provider: dict(entries) for provider, entries in guarded.items() if entries}


def _impossible(file: ConfigFile, name: SettingName) -> ConfigError:
    return ConfigError(f"{name} in {file.path} cannot be changed here", hint="edit it by hand")
