"""List the values that an option or argument takes, for the shells to offer.

Numbers, and options whose value is called FILE, FOLDER or PATH, need no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.captions.formats import FORMS
from nanobanana_cli.captions.prompts import STYLES
from nanobanana_cli.images.formats import CHOICES
from nanobanana_cli.sandbox.faults import FAULTS
from nanobanana_cli.settings.config_files import allowed_entries
from nanobanana_cli.settings.names import TYPES

# Shell → title and oldest version that the script supports.
SHELLS: Mapping[str, str] = {
    "bash": "Bash 3.2 or newer",
    "zsh": "Zsh 5 or newer",
    "fish": "fish 3 or newer",
    "powershell": "PowerShell 5.1 or newer",
}


class Values(msgspec.Struct, frozen=True):
    """The values of an option or argument.

    Args:
        choices: value → description, in the order to show; empty when any text will do.
        files: it names a file or folder.
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

_STYLES = {
    name: f"{style.name}, up to {style.ceiling} characters" for name, style in STYLES.items()
}

_RETRIED = {
    "refused": "the service refused it, or only sent text",
    "bad-reply": "the reply could not be used",
    "unknown": "timed out, cut off, or killed",
    "all": "all of these",
}

_TEXTS = (
    "--accept",
    "--base-url",
    "--context",
    "--key",
    "--lang",
    "--max-cost",
    "--max-total-cost",
    "--only",
    "--remake",
    "--retries",
    "--shard",
    "--system",
    "--text",
    "--timeout",
    "--wait",
)
_OPTIONS: Mapping[str, Values] = {
    **dict.fromkeys(_TEXTS, FREE),
    "--as": Values(dict.fromkeys(FORMS, "")),
    "--aspect": Values(
        {aspect: f"{_pixels(aspect, '1K')} pixels at 1K" for aspect in catalog.ASPECTS}
    ),
    "--fault": Values(FAULTS),
    "--format": Values(_FORMATS),
    "--model": Values(
        {model.id: model.title for model in catalog.MODELS.values()}
        | {
            alias: meant
            for provider in reversed(list(catalog.PROVIDERS.values()))
            for alias, meant in provider.aliases.items()
        }
    ),
    "--provider": Values(_PROVIDERS),
    "--retry": Values(_RETRIED),
    "--size": Values({size: f"{_pixels('1:1', size)} pixels at 1:1" for size in catalog.SIZES}),
    "--style": Values(_STYLES),
    "--thinking": Values(dict.fromkeys(catalog.THINKING_LEVELS, "")),
}

_ARGUMENTS: Mapping[tuple[str, str], Values] = {
    ("batch", "manifest"): FILES,
    ("caption", "target"): FILES,
    ("completion", "shell"): Values(SHELLS),
    ("config get", "name"): Values(_SETTINGS),
    ("config set", "name"): Values(_SETTINGS),
    ("config set", "value"): FREE,
    ("config unset", "name"): Values(_SETTINGS),
    ("extract", "file"): FILES,
    ("generate", "prompt"): FREE,
}


def of_option(name: str) -> Values:
    """Return the values of an option, by its long name; raise KeyError if the table lacks it."""
    return _OPTIONS[name]


def of_argument(command: str, name: str) -> Values:
    """Return the values of a positional argument; raise KeyError if the table lacks it.

    Args:
        command: such as `config set`.
        name: the field or parameter that holds it, such as `value`.
    """
    return _ARGUMENTS[command, name]
