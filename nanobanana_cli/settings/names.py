"""The names that `nb config` takes: `aspect`, `api-key`, `google.api-key`."""

from __future__ import annotations

import msgspec

from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.errors import UsageError
from nanobanana_cli.settings.config_files import GUARDED, TYPES, allowed_entries
from nanobanana_cli.suggest import one_of


class SettingName(msgspec.Struct, frozen=True):
    """One entry of a configuration file.

    Args:
        setting: such as `aspect` or `api-key`.
        provider: whose it is, for what belongs to one; else None.
    """

    setting: str
    provider: str | None = None

    def __str__(self) -> str:
        return f"{self.provider}.{self.setting}" if self.provider else self.setting


def parse(text: str, provider: str) -> SettingName:
    """A name as typed.

    Args:
        provider: the one in force, meant where the name leaves it out.

    Raises:
        UsageError: there is no such setting.
    """
    prefix, dot, setting = text.rpartition(".")
    if setting not in TYPES or (dot and prefix not in PROVIDERS):
        raise _unknown(text)
    if not dot and setting not in GUARDED:
        return SettingName(setting)
    owner = prefix if dot else provider
    if setting not in GUARDED:
        raise UsageError(f"{setting} belongs to no provider", hint=f"just {setting}")
    if setting not in allowed_entries(owner):
        raise UsageError(f"the {owner} takes no key", hint="--provider chooses whose key it is")
    return SettingName(setting, owner)


def _unknown(text: str) -> UsageError:
    owned = [f"{name}.{entry}" for name in PROVIDERS for entry in allowed_entries(name)]
    hint = one_of(text, [*TYPES, *owned], f"one of {', '.join(TYPES)}")
    return UsageError(f"{text} is not a setting", hint=hint)
