"""List the settings in force, with keys masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.money import usd
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.credentials import source
from nanobanana_cli.settings.edit import SettingName, value_of
from nanobanana_cli.settings.headers import HEADERS
from nanobanana_cli.settings.names import DEFAULTS, USER_DEFAULTS, variable_of
from nanobanana_cli.settings.resolve import Settings, default_timeout

MASK = "********"
_AMOUNTS = ("max-cost", "price", "confirm-above")
UNSET = "not set"


class ListedSetting(msgspec.Struct, frozen=True):
    """One setting.

    Args:
        name: as in a file.
        value: seconds, counts and dollars as numbers; null if it is not set.
        origin: an option, a variable, a file's path, default or not set.
    """

    name: str
    value: str | float | bool | None
    origin: str

    @property
    def text(self) -> str:
        """Return the value as `nb config set` takes it; "" if it is not set."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, float):
            return f"{self.value:.6f}".rstrip("0").rstrip(".")
        return "" if self.value is None else str(self.value)


def rows(settings: Settings, env: Mapping[str, str]) -> Iterator[ListedSetting]:
    """Yield all settings in force, and the keys of all providers, unread."""
    for name in (*DEFAULTS, *USER_DEFAULTS):
        yield row(settings, env, SettingName(name))
    for provider in PROVIDERS.values():
        if provider.needs_key:
            yield row(settings, env, SettingName("api-key", provider.name))
        for name in settings.user.headers(provider.name):
            yield row(settings, env, SettingName(f"{HEADERS}.{name}", provider.name))


def row(settings: Settings, env: Mapping[str, str], name: SettingName) -> ListedSetting:
    """Return one setting in force.

    Args:
        settings: those of the provider that the name belongs to.
    """
    if name.provider and name.setting == "api-key":
        found = source(PROVIDERS[name.provider], env, settings.user)
        masked, origin = (MASK, found.origin) if found else (None, UNSET)
        return ListedSetting(str(name), masked, origin)
    if name.header:
        is_set = value_of(settings.user, name) is not None
        origin = str(settings.user.path) if is_set else UNSET
        return ListedSetting(str(name), MASK if is_set else None, origin)
    if name.provider and name.setting == "api-key-file":
        path = value_of(settings.user, name)
        return ListedSetting(str(name), path, str(settings.user.path) if path else UNSET)
    return ListedSetting(
        name.setting, _value(settings, name.setting), settings.origins[name.setting]
    )


def overriding_source(
    user: ConfigFile, project: ConfigFile | None, env: Mapping[str, str], name: SettingName
) -> str | None:
    """Return what overrides an entry of the user's file, or None."""
    if name.header:
        return None
    if name.provider and name.setting != "base-url":
        found = source(PROVIDERS[name.provider], env, user)
        return None if found is None or found.setting == name.setting else found.shown
    variable = variable_of(name.setting)
    if name.setting in DEFAULTS and env.get(variable, "").strip():
        return variable
    if project is None or name.setting not in project.values:
        return None
    theirs, mine = project.values[name.setting], user.values.get(name.setting)
    # Of two limits, the lower one holds.
    if name.setting == "max-cost" and mine is not None and float(mine) <= float(theirs):
        return None
    return str(project.path)


def _value(settings: Settings, name: str) -> str | float | bool | None:
    """Return a setting in the unit of a file."""
    if name == "timeout":
        return settings.timeout or default_timeout(settings.model, settings.size)
    if name == "wait":
        return _duration(settings.wait) if settings.wait else None
    found = getattr(settings, name.replace("-", "_"))
    if name == "memory-limit":
        return int(found) >> 20
    if name in _AMOUNTS:
        return usd(found)
    return None if found == "" else found


def _duration(seconds: float) -> str:
    """Return a duration as it is written in a file: `30m`."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"
