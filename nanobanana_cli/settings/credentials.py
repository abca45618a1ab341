"""Finding the key of a provider, and only its own.

The order: the provider's environment variables, then `api-key` and `api-key-file` of the user's
file. A key never appears in a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nanobanana_cli.catalog import DEFAULT_PROVIDER, PROVIDERS, Provider
from nanobanana_cli.errors import ConfigError, KeyRejected
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.resolve import Settings
from nanobanana_cli.types import Endpoint, Redacted

# What an HTTP header carries unharmed; the keys that are known to exist are far shorter.
_KEY = re.compile(r"[!-~]{1,4096}")
_MAX_KEY_FILE = 16 * 1024


class KeySource(Redacted, frozen=True):
    """Where a key stands.

    Args:
        text: the key as it stands there; None when `file` holds it.
        shown: how an error names the place.
        origin: a variable's name or a file's path.
        setting: the entry of the user's file that leads there; None for a variable.
        file: the key file.
    """

    _hidden = ("text",)

    text: str | None
    shown: str
    origin: str
    setting: str | None = None
    file: Path | None = None


def endpoint(settings: Settings, env: Mapping[str, str], *, need_key: bool = True) -> Endpoint:
    """Where calls go, with the key of the provider in force.

    Args:
        need_key: a missing key is an error; without it, the key is not even looked for.

    Raises:
        KeyRejected: there is no key, or it cannot be one.
        ConfigError: the file that should hold it cannot be read; or a project file chose the
            provider and the address comes from elsewhere, so nobody chose to send that key there.
    """
    provider = PROVIDERS[settings.provider]
    if not provider.needs_key or not need_key:
        return Endpoint(provider.name, settings.base_url)
    _refuse_foreign_address(settings)
    found = source(provider, env, settings.user)
    if found is None:
        raise _missing(provider)
    return Endpoint(provider.name, settings.base_url, _read(found), found.origin)


def source(provider: Provider, env: Mapping[str, str], user: ConfigFile) -> KeySource | None:
    """Where the provider's key stands, unread and unchecked; None when there is none anywhere."""
    for variable in provider.key_variables:
        if text := env.get(variable, "").strip():
            return KeySource(text, variable, variable)
    entries = user.guarded.get(provider.name, {})
    if "api-key" in entries:
        where = user.where_guarded(provider.name, "api-key")
        text = entries["api-key"].strip()
        return KeySource(text, f"api-key in {where}", str(user.path), "api-key")
    if "api-key-file" in entries:
        path = key_file(entries["api-key-file"], user.path.parent)
        return KeySource(None, str(path), str(path), "api-key-file", path)
    return None


def check(value: str, source: str) -> str:
    """A key that a header can carry.

    Raises:
        KeyRejected: it is empty, or has spaces, control or non-ASCII characters.
    """
    if _KEY.fullmatch(value):
        return value
    what = "has spaces or characters that no key has" if value else "is empty"
    raise KeyRejected(f"the key from {source} {what}", hint="copy it again, whole")


def key_file(text: str, folder: Path) -> Path:
    """The path of a key file; `~` is a home, and what is relative begins at `folder`."""
    path = Path(text)
    try:
        return folder / path.expanduser()
    except RuntimeError:
        return folder / path


def read_key_file(path: Path) -> str:
    """The key that stands alone in a file.

    Raises:
        ConfigError: it cannot be read or is empty.
        KeyRejected: it holds something that cannot be a key.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_FILE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigError(f"cannot read the key file {path}: {reason}") from None
    text = data.decode("utf-8-sig", "replace").strip()
    if not text:
        raise ConfigError(f"the key file {path} is empty")
    return check(text, str(path))


def _read(found: KeySource) -> str:
    if found.file is not None:
        return read_key_file(found.file)
    return check(found.text or "", found.shown)


def _missing(provider: Provider) -> KeyRejected:
    name = "api-key" if provider.name == DEFAULT_PROVIDER else f"{provider.name}.api-key"
    return KeyRejected(
        f"no key for {provider.name}",
        hint=f"get one at {provider.key_page}, then `nb config set {name}`"
        f" or set {provider.key_variables[0]}\n"
        "or try it free: --provider sandbox",
    )


def _refuse_foreign_address(settings: Settings) -> None:
    from nanobanana_cli.settings.address import host, is_loopback

    project = settings.project
    address = settings.origins["base-url"]
    if project is None or settings.origins["provider"] != str(project.path):
        return
    if address not in {"default", str(settings.user.path)} and not is_loopback(
        host(settings.base_url)
    ):
        raise ConfigError(
            f"{project.path} chooses {settings.provider}, whose key would go to the"
            f" address of {address}",
            hint=f"--provider {settings.provider} confirms it",
        )
