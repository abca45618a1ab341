"""Fetch reference images from the addresses that the user typed.

Who types an address chooses the host, so a private one will do; a server that redirects does not:
its target must be https and public, or the host and port that were typed. No key, cookie or
password goes along, and the bytes are sent on as they come.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import weakref
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from nanobanana_cli.errors import UsageError
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, FORMATS
from nanobanana_cli.settings.validators import is_loopback

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
# Seconds of wall-clock time for one image; 20 MB take that long on a slow line.
_TIMEOUT = 60.0


def is_address(name: str) -> bool:
    """Return whether a reference image is named by an address, of whatever scheme."""
    return _SCHEME.match(name) is not None or name.startswith("data:")


def shown(name: str) -> str:
    """Return a reference image's name for messages: an address without its query, often a secret.

    Args:
        name: a path, or an address in any state.
    """
    return re.sub(r"[?#].*", "?…", name) if is_address(name) else name


def last_part(address: str) -> str:
    """Return the name of the file behind an address, or its host."""
    parts = urlsplit(address)
    return PurePosixPath(unquote(parts.path)).name or parts.netloc


def guessed_type(address: str) -> str:
    """Return the MIME type that the ending of an address suggests."""
    suffix = PurePosixPath(last_part(address)).suffix.lower()
    if suffix in (".heic", ".heif"):
        return f"image/{suffix[1:]}"
    return FORMATS[FORMAT_OF_SUFFIX.get(suffix, "jpeg")].mime_type


def check(address: str) -> None:
    """Raise UsageError unless the address may be fetched; nothing is sent.

    Plain http is for this machine alone: anybody on the way could put another picture there.
    """
    if address.startswith("data:"):
        raise UsageError("a data: address is not a file", hint="save the image to a file")
    found = _SCHEME.match(address)
    scheme = found[1].lower() if found else ""
    name = shown(address)
    if scheme == "file":
        raise UsageError(f"{name} is an address, not a path", hint="-i /path/to/fox.png")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-~]+", address):
        raise UsageError(f"{name} is not an https address", hint="-i https://example.com/fox.png")
    if "@" in parts.netloc:
        raise UsageError(
            f"the address of {last_part(address)} holds a user name or password",
            hint="download it, and name the file",
        )
    if scheme == "http" and not is_loopback(host):
        raise UsageError(f"{name} is not encrypted", hint="use https, except on this machine")


class RemoteImages:
    """Fetches images, each address once, from any number of threads.

    What came is kept on the disk until the object is gone, since thousands of rows may name one
    each.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def get(self, address: str) -> bytes:
        """Return the bytes behind an address.

        Raises:
            UsageError: the address may not be fetched, or has no such file.
            Unreachable: the server does not answer, or says that it cannot now.
        """
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="nb-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            path = self._folder / sha256(address.encode()).hexdigest()
            if not path.exists():
                path.write_bytes(_fetched(address))
            return path.read_bytes()


def _fetched(address: str) -> bytes:
    from nanobanana_cli.api.links import LinkFetcher, NotFetchedError
    from nanobanana_cli.errors import Unreachable

    check(address)
    try:
        return bytes(LinkFetcher(address, timeout=_TIMEOUT).get(address))
    except NotFetchedError as failed:
        message = f"cannot fetch {shown(address)}: {failed}"
        if failed.is_temporary:
            raise Unreachable(message, hint="run it again, or name a file") from None
        raise UsageError(message, hint="check the address, or name a file") from None
