"""Which values an option or argument takes, for the shells to offer.

The one table to extend when a command gets a new option that takes a value.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.captions.formats import FORMS
from nanobanana_cli.captions.prompts import STYLES
from nanobanana_cli.images.formats import CHOICES
from nanobanana_cli.sandbox.faults import FAULTS
from nanobanana_cli.settings.config_files import TYPES, allowed_entries

# Shell → its title, and the oldest version that the script is written for.
SHELLS: Mapping[str, str] = {
    "bash": "Bash 3.2 or newer",
    "zsh": "Zsh 5 or newer",
    "fish": "fish 3 or newer",
    "powershell": "PowerShell 5.1 or newer",
}


class Values(msgspec.Struct, frozen=True):
    """What a value may be.

    Args:
        choices: value → description, in the order to show; empty when there is nothing to offer.
        files: whether it names a file or folder.
    """

    choices: Mapping[str, str] = msgspec.field(default_factory=dict)
    files: bool = False


FREE = Values()
FILES = Values(files=True)


def _pixels(aspect: str, size: str) -> str:
    width, height = catalog.pixels(aspect, size)
    return f"{width}x{height}"


_SETTINGS = {
    **dict.fromkeys(TYPES, ""),
    **{
        f"{provider}.{entry}": f"of {provider} alone"
        for provider in catalog.PROVIDERS
        for entry in allowed_entries(provider)
    },
}
_FORMATS = {
    name: "as received, or by the file's name" if name == "auto" else "" for name in CHOICES
}
_PROVIDERS = {
    provider.name: provider.base_url or "embedded, free and offline"
    for provider in catalog.PROVIDERS.values()
}

_STYLES = {name: f"{style.name}, about {style.aim} characters" for name, style in STYLES.items()}

_OPTIONS: Mapping[str, Values] = {
    "--alt-file": FILES,
    "--as": Values(dict.fromkeys(FORMS, "")),
    "--aspect": Values(
        {aspect: f"{_pixels(aspect, '1K')} pixels at 1K" for aspect in catalog.ASPECTS}
    ),
    "--base-url": FREE,
    "--concurrency": FREE,
    "--context": FREE,
    "--context-file": FILES,
    "--count": FREE,
    "--fault": Values(FAULTS),
    "--format": Values(_FORMATS),
    "--gallery": FILES,
    "--image": FILES,
    "--key": FREE,
    "--lang": FREE,
    "--latency": FREE,
    "--limit": FREE,
    "--log": FILES,
    "--max-chars": FREE,
    "--max-cost": FREE,
    "--max-images": FREE,
    "--max-total-cost": FREE,
    "--model": Values({model.id: model.title for model in catalog.MODELS.values()}),
    "--only": FREE,
    "--output": FILES,
    "--port": FREE,
    "--prompt-file": FILES,
    "--provider": Values(_PROVIDERS),
    "--relative-to": FILES,
    "--retries": FREE,
    "--rpm": FREE,
    "--seed": FREE,
    "--shard": FREE,
    "--size": Values({size: f"{_pixels('1:1', size)} pixels at 1:1" for size in catalog.SIZES}),
    "--style": Values(_STYLES),
    "--system": FREE,
    "--temperature": FREE,
    "--thinking": Values(dict.fromkeys(catalog.THINKING_LEVELS, "")),
    "--timeout": FREE,
}

_ARGUMENTS: Mapping[tuple[str, str], Values] = {
    ("batch", "manifest"): FILES,
    ("caption", "target"): FILES,
    ("completion", "shell"): Values(SHELLS),
    ("config get", "name"): Values(_SETTINGS),
    ("config set", "name"): Values(_SETTINGS),
    ("config set", "value"): FREE,
    ("config unset", "name"): Values(_SETTINGS),
    ("generate", "prompt"): FREE,
}


def of_option(name: str) -> Values:
    """What an option takes.

    Args:
        name: its long name, such as `--aspect`.

    Raises:
        KeyError: the table does not have it.
    """
    return _OPTIONS[name]


def of_argument(command: str, name: str) -> Values:
    """What a positional argument takes.

    Args:
        command: such as `config set`.
        name: as in the command's function, such as `value`.

    Raises:
        KeyError: the table does not have it.
    """
    return _ARGUMENTS[command, name]
