"""Check the headers that a gateway wants besides the key. Pure."""

from __future__ import annotations

import re

from nanobanana_cli.errors import UsageError

# The table of a provider that holds them; `headers.NAME` is an entry of it.
HEADERS = "headers"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[!-~](?:[\t -~]{0,8190}[!-~])?")
# nb sets these itself: the key, and what says how long a request is and what it holds.
_RESERVED = frozenset(
    (
        *("x-goog-api-key", "host", "content-type", "content-length", "transfer-encoding"),
        *("connection", "accept-encoding", "te", "trailer", "upgrade", "expect"),
    )
)


def check_header(name: str, value: str | None = None) -> None:
    """Raise UsageError, without the value, unless a request can carry the header.

    Args:
        name: its name.
        value: None checks the name alone.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name} is not the name of a header", hint="such as cf-aig-authorization")
    if name.lower() in _RESERVED:
        raise UsageError(f"nb sets the header {name} itself", hint="leave it out")
    if value is not None and not _VALUE.fullmatch(value):
        raise UsageError(
            f"the value of the header {name} is not one line of ASCII characters",
            hint="copy it again",
        )
