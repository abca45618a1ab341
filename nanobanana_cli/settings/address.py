"""A provider's address, and whose host it is. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.settings.validators import InvalidValue

_VISIBLE = re.compile(r"[!-~]{1,2000}")
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_EXAMPLE = "such as https://wisgate.ai or http://127.0.0.1:8080"


def base_url(text: str) -> str:
    """An absolute address without a slash at its end.

    A `/v1beta` at the end goes too: `nb` appends `/v1beta/models/…` itself, while other clients
    are given the address with it.

    Raises:
        Wrong: it is no plain http(s) address, or would carry the key unencrypted over a network.
    """
    if not _VISIBLE.fullmatch(text):
        raise InvalidValue("is not an address: only visible ASCII characters", hint=_EXAMPLE)
    # These may hold a password or a key, so the address itself stays out of the message.
    if "@" in text:
        raise InvalidValue("holds a user name or password", hint=_EXAMPLE, secret=True)
    if "?" in text or "#" in text:
        raise InvalidValue("holds a query or fragment", hint=_EXAMPLE, secret=True)
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    authority, _, path = rest.partition("/")
    parts = _AUTHORITY.fullmatch(authority)
    if scheme not in {"http", "https"} or not parts or not _is_port(parts["port"]):
        raise InvalidValue("is not an http(s) address", hint=_EXAMPLE)
    if scheme == "http" and not is_loopback(parts["host"]):
        raise InvalidValue("would send the key unencrypted", hint="https, except on this machine")
    return f"{scheme}://{authority.lower()}/{path}".rstrip("/").removesuffix("/v1beta").rstrip("/")


def host(url: str) -> str:
    """The host of an address that `base_url` returned."""
    return urlsplit(url).hostname or ""


def is_loopback(host: str) -> bool:
    """Whether a host name or address, brackets or not, can only mean this machine."""
    from ipaddress import ip_address

    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def owner(url: str) -> str | None:
    """The provider whose host this is, subdomains included; None when it is nobody's we know."""
    name = host(url).rstrip(".")
    for provider in PROVIDERS.values():
        home = host(provider.base_url)
        if home and (name == home or name.endswith(f".{home}")):
            return provider.name
    return None


def _is_port(digits: str | None) -> bool:
    return digits is None or 0 < int(digits) < 65536
