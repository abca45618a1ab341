"""Find the key of a provider, and only its own.

Look in the provider's environment variables, then for `api-key` and `api-key-file` in the user's
file. A key never appears in a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nanobanana_cli.catalog import DEFAULT_PROVIDER, PROVIDERS, Provider
from nanobanana_cli.errors import ConfigError, KeyRejected
from nanobanana_cli.settings import redaction
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.resolve import Settings
from nanobanana_cli.settings.validators import host, is_loopback
from nanobanana_cli.types import Endpoint, Redacted

# What an HTTP header carries unchanged; real keys are far shorter.
_KEY = re.compile(r"[!-~]{1,4096}")
# How a key looks that was copied with something around it, or never filled in; the first that fits.
_MISTAKES = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), reason, hint)
    for pattern, reason, hint in (
        (
            r"""["'`\u2018-\u201f\xab\xbb].*|.*["'`\u2018-\u201f\xab\xbb]""",
            "has quotes around it",
            "store the key itself, without quotes",
        ),
        (
            r"(?:export |set |\$env:)?\s*[a-z][a-z0-9_.-]*(?:key|token)\s*(?:=|: )\s*[^=\s].*",
            "starts with a name, as in NAME=key",
            "store only what follows the = sign",
        ),
        (r"(?:authorization: *)?bearer .+", "starts with Bearer", "store only what follows it"),
        (
            r"\$\{?\w+\}?|%\w+%|\$?\{\{.*\}\}",
            "is the name of a variable, not its value",
            "store the key itself",
        ),
        (
            (
                r"<.*>|\[.*\]|(?:sk-)?(?:x{3,}|\*{3,}|\.{3,}|…)+|your[-_ ]?\w*[-_ ]?(?:key|token).*"
                r"|(?:insert|put|paste|replace|change)[-_ ]?(?:me|with|your|the|key|it|here)\b.*"
            ),
            "is a placeholder, not a key",
            "put your own key in its place",
        ),
    )
)
_MAX_KEY_FILE = 16 * 1024


class KeySource(Redacted, frozen=True):
    """The place that holds a key.

    Args:
        text: the key, unchecked; None if it is in `file`.
        shown: the place, for errors.
        origin: a variable's name or a file's path.
        setting: the entry in the user's file; None for a variable.
        file: the key file.
    """

    _hidden = ("text",)

    text: str | None
    shown: str
    origin: str
    setting: str | None = None
    file: Path | None = None


def endpoint(settings: Settings, env: Mapping[str, str], *, need_key: bool = True) -> Endpoint:
    """Return the address of the provider in force, with its key and headers.

    Args:
        need_key: look for the key and the headers, and raise if the key is missing.

    Raises:
        KeyRejected: the key is missing or malformed.
        ConfigError: the key file cannot be read; or a project file chose the provider and the
            address comes from elsewhere, so the user did not choose to send that key there.
    """
    provider = PROVIDERS[settings.provider]
    headers = settings.user.headers(provider.name)
    if not need_key or not (provider.needs_key or headers):
        return Endpoint(provider.name, settings.base_url)
    _refuse_foreign_address(settings)
    if not provider.needs_key:
        where = Endpoint(provider.name, settings.base_url, headers=headers)
    else:
        found = source(provider, env, settings.user)
        if found is None:
            raise _missing(provider, env)
        where = Endpoint(provider.name, settings.base_url, _read(found), found.origin, headers)
    redaction.remember(where.secrets)
    return where


def source(provider: Provider, env: Mapping[str, str], user: ConfigFile) -> KeySource | None:
    """Return the place of the provider's key, unread and unchecked, or None."""
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
    """Return a key that a header can carry.

    Raises:
        KeyRejected: it is empty, has something around it that is not part of a key, is a
            placeholder, or contains spaces, control or non-ASCII characters.
    """
    for pattern, mistake, hint in _MISTAKES:
        if pattern.fullmatch(value):
            raise KeyRejected(f"the key from {source} {mistake}", hint=hint)
    if _KEY.fullmatch(value):
        return value
    what = "contains spaces or characters that no key has" if value else "is empty"
    raise KeyRejected(f"the key from {source} {what}", hint="copy the whole key again")


def key_file(text: str, folder: Path) -> Path:
    """Return the path of a key file, with `~` expanded; relative paths start at `folder`."""
    path = Path(text)
    try:
        return folder / path.expanduser()
    except RuntimeError:
        return folder / path


def read_key_file(path: Path) -> str:
    """Return the key in a file that holds nothing else.

    Raises:
        ConfigError: the file is unreadable or empty.
        KeyRejected: its content cannot be a key.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_FILE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ConfigError(f"cannot read the key file {path}: {reason}") from None
    text = data.decode("utf-8-sig", "replace").strip()
    if not text:
        raise ConfigError(f"the key file {path} is empty")
    return check(text, str(path))


def _read(found: KeySource) -> str:
    if found.file is not None:
        return read_key_file(found.file)
    return check(found.text or "", found.shown)


def _missing(provider: Provider, env: Mapping[str, str]) -> KeyRejected:
    hints = [
        f"--provider {other.name} uses {variable}"
        for other in PROVIDERS.values()
        for variable in other.key_variables
        if env.get(variable, "").strip()
    ][:1]
    name = "api-key" if provider.name == DEFAULT_PROVIDER else f"{provider.name}.api-key"
    return KeyRejected(
        f"no key for {provider.name}",
        hint="\nor ".join(
            [
                *hints,
                (
                    f"get one at {provider.key_page}, then run `nb config set {name}`"
                    f" or set {provider.key_variables[0]}"
                ),
                "try it for free: --provider sandbox",
            ]
        ),
    )


def _refuse_foreign_address(settings: Settings) -> None:
    project = settings.project
    address = settings.origins["base-url"]
    if project is None or settings.origins["provider"] != str(project.path):
        return
    trusted = {"default", str(settings.user.path)}
    if address not in trusted and not is_loopback(host(settings.base_url)):
        raise ConfigError(
            f"{project.path} chooses {settings.provider}, whose key would be sent to the address"
            f" from {address}",
            hint=f"--provider {settings.provider} confirms it",
        )
