"""List the values that an option or argument takes, for the shells to offer.

Numbers, and options whose value is called FILE, FOLDER or PATH, need no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.batch.manifest.readers import FORMATS as MANIFEST_FORMATS
from nanobanana_cli.captions.formats import FORMS
from nanobanana_cli.captions.prompts import STYLES
from nanobanana_cli.captions.targets import SUFFIXES as IMAGE_SUFFIXES
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


# What help calls the value of an option that names a file or folder.
PATH_METAVARS = ("FILE", "FOLDER", "PATH")


class Values(msgspec.Struct, frozen=True):
    """The values of an option or argument.

    Args:
        choices: value → description, in the order to show; empty when any text will do.
        files: it names a file or folder.
        suffixes: those of the files to offer besides folders, in lower case; None for all files.
        after: its values by the argument before it; other fields are empty then.
    """

    choices: Mapping[str, str] = msgspec.field(default_factory=dict)
    files: bool = False
    suffixes: tuple[str, ...] | None = None
    after: Mapping[str, Values] = msgspec.field(default_factory=dict)

    def by_values(self) -> list[tuple[list[str], Values]]:
        """Return `after` the other way round: arguments, and the values that they share."""
        shared: list[tuple[list[str], Values]] = []
        for name, values in self.after.items():
            names = next((names for names, taken in shared if taken == values), None)
            if names is None:
                shared.append(([name], values))
            else:
                names.append(name)
        return shared


FREE = Values()
FILES = Values(files=True)
FOLDERS = Values(files=True, suffixes=())
IMAGES = Values(files=True, suffixes=IMAGE_SUFFIXES)
CONVERSATIONS = Values(files=True, suffixes=(*IMAGE_SUFFIXES, ".chat.json"))
MANIFESTS = Values(files=True, suffixes=tuple(MANIFEST_FORMATS))


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
    "--before",
    "--context",
    "--key",
    "--lang",
    "--max-cost",
    "--max-total-cost",
    "--only",
    "--remake",
    "--retries",
    "--shard",
    "--since",
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
    "--fit": Values(
        {
            "1200x630": "link previews (Open Graph)",
            "1080x1080": "square posts",
            "1080x1920": "stories",
            "1280x720": "video thumbnails",
            "1500x500": "page headers",
        }
    ),
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
    "--sum": Values(dict.fromkeys(("day", "model", "provider"), "")),
    "--thinking": Values(dict.fromkeys(catalog.THINKING_LEVELS, "")),
}


def _of_setting(name: str) -> Values:
    """Return the values of a setting: those of the option of its name, mostly."""
    if TYPES[name] == (bool,):
        return Values(dict.fromkeys(("true", "false"), ""))
    others = {"api-key-file": FILES, "output-folder": FOLDERS, "caption-model": _OPTIONS["--model"]}
    return others.get(name) or _OPTIONS.get(f"--{name}", FREE)


_OF_SETTINGS = {name: _of_setting(name.rpartition(".")[2]) for name in _SETTINGS}

_ARGUMENTS: Mapping[tuple[str, str], Values] = {
    ("batch", "manifest"): MANIFESTS,
    ("caption", "target"): IMAGES,
    ("completion", "shell"): Values(SHELLS),
    ("config get", "name"): Values(_SETTINGS),
    ("config set", "name"): Values(_SETTINGS),
    ("config set", "value"): Values(
        after={name: values for name, values in _OF_SETTINGS.items() if values != FREE}
    ),
    ("config unset", "name"): Values(_SETTINGS),
    ("extract", "file"): FILES,
    ("generate", "prompt"): FREE,
    ("log", "file"): FILES,
}


def of_path(name: str, metavar: str) -> Values:
    """Return the files that an option takes.

    Args:
        name: its long name.
        metavar: what its help calls the value, one of `PATH_METAVARS`.
    """
    if metavar == "FOLDER":
        return FOLDERS
    return {"--image": IMAGES, "--continue": CONVERSATIONS}.get(name, FILES)


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
