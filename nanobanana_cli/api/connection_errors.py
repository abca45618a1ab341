"""What went wrong with a connection, in our own words.

The texts of requests, urllib3 and ssl are never shown: they may hold the key or a query string, and
they say little to those who read them.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator

import msgspec
import requests
import urllib3

# Whatever the libraries below may raise. ValueError: addresses and headers that cannot be used.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

_CA_HINT = "set REQUESTS_CA_BUNDLE to a file with the certificates to trust"
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


class ConnectionProblem(msgspec.Struct, frozen=True):
    """Why a connection failed.

    Args:
        words: a few of them.
        hint: what to do about it, where the usual hint will not do.
        lasting: whether trying again is pointless.
    """

    words: str
    hint: str | None = None
    lasting: bool = False


def explain(error: BaseException) -> ConnectionProblem:
    """The problem at the root of what a library raised."""
    chain = tuple(_chain(error))
    for cause in chain:
        if problem := _certificate(cause) or _proxy(cause) or _address(cause):
            return problem
    for cause in reversed(chain):
        if words := _words(cause):
            return ConnectionProblem(words)
    return ConnectionProblem(f"the connection failed ({type(error).__name__})")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the root last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _certificate(cause: BaseException) -> ConnectionProblem | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"its certificate is not trusted ({cause.verify_message})"
        return ConnectionProblem(words, hint=_CA_HINT, lasting=True)
    if isinstance(cause, OSError) and "TLS CA certificate bundle" in str(cause):
        return ConnectionProblem(
            "the file in REQUESTS_CA_BUNDLE is not there", hint=_CA_HINT, lasting=True
        )
    return None


def _proxy(cause: BaseException) -> ConnectionProblem | None:
    if isinstance(cause, requests.exceptions.InvalidProxyURL):
        words = "the proxy's address cannot be used"
        return ConnectionProblem(words, hint="set HTTPS_PROXY to http://host:port", lasting=True)
    if isinstance(cause, OSError) and (refused := _TUNNEL.search(str(cause))):
        words = f"the proxy refuses to connect ({refused[1]})"
        return ConnectionProblem(words, hint="check HTTPS_PROXY and NO_PROXY", lasting=True)
    if isinstance(cause, requests.exceptions.ProxyError):
        root = tuple(_chain(cause))[-1]
        words = f"the proxy cannot be used: {_words(root) or 'the connection failed'}"
        return ConnectionProblem(words, hint="check HTTPS_PROXY and NO_PROXY")
    return None


def _address(cause: BaseException) -> ConnectionProblem | None:
    if isinstance(cause, _BAD_ADDRESS):
        return ConnectionProblem("the address cannot be used", lasting=True)
    return None


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the name does not resolve"),
    (TimeoutError, "it does not answer"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection was closed"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.IncompleteRead, "the answer was cut short"),
    (urllib3.exceptions.IncompleteRead, "the answer was cut short"),
    (http.client.HTTPException, "the answer is no HTTP"),
)


def _words(cause: BaseException) -> str | None:
    for kind, words in _WORDS:
        if isinstance(cause, kind):
            return words
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or "unexplained").lower().replace("_", " ")
        return f"TLS failed ({reason})"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return None
