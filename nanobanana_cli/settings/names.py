"""Name the settings: their types in a file, their defaults, and their variables."""

from __future__ import annotations

from collections.abc import Mapping

from nanobanana_cli.catalog import DEFAULT_PROVIDER, DEFAULT_SIZE
from nanobanana_cli.settings.validators import MEMORY_LIMIT

# What decides where a key comes from and where it is sent; each belongs to one provider.
GUARDED = ("api-key", "api-key-file", "base-url")
# What guards the user's money, privacy and machine: no project file sets it.
USER_ONLY = ("price", "confirm-above", "log", "keep-replies", "memory-limit")

_TEXT: tuple[type, ...] = (str,)
_NUMBER: tuple[type, ...] = (int, float)
TYPES: Mapping[str, tuple[type, ...]] = {
    "provider": _TEXT,
    "base-url": _TEXT,
    "model": _TEXT,
    "caption-model": _TEXT,
    "aspect": _TEXT,
    "size": (str, int),
    "timeout": _NUMBER,
    "retries": (int,),
    "wait": (str, int),
    "max-cost": _NUMBER,
    "concurrency": (int,),
    "format": _TEXT,
    "output-folder": _TEXT,
    "alt": (bool,),
    "open": (bool,),
    "preview": (bool,),
    "price": _NUMBER,
    "confirm-above": _NUMBER,
    "log": (bool,),
    "keep-replies": (bool,),
    "memory-limit": (int,),
    "api-key": _TEXT,
    "api-key-file": _TEXT,
}
# In display order; each but `output-folder` and `log` is also the option `--NAME`, and each but
# `wait` the variable `NB_NAME`.
DEFAULTS: Mapping[str, str] = {
    "provider": DEFAULT_PROVIDER,
    "base-url": "",
    "model": "",
    "aspect": "auto",
    "size": DEFAULT_SIZE,
    "timeout": "",
    "retries": "3",
    "wait": "",
    "max-cost": "",
    "concurrency": "",
    "format": "auto",
    "output-folder": "",
    "alt": "false",
    "open": "false",
    "preview": "false",
    "log": "true",
}
# Of what only a file may set: neither an option nor a variable.
USER_DEFAULTS: Mapping[str, str] = {
    "caption-model": "",
    "price": "",
    "confirm-above": "10",
    "keep-replies": "true",
    "memory-limit": str(MEMORY_LIMIT),
}


def variable_of(name: str) -> str:
    """Return the environment variable of a setting: `max-cost` → `NB_MAX_COST`; "" for none."""
    return "" if name == "wait" else f"NB_{name.upper().replace('-', '_')}"
