"""Turn the exceptions of a connection into nb's errors.

The texts of requests, urllib3 and ssl are never shown: they may contain the key or a query string,
and mean little to a user.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.request import getproxies

import msgspec
import requests
import urllib3

from nanobanana_cli.api.deadline import AbortReason, Attempt
from nanobanana_cli.errors import NbError, OutcomeUnknown, Unreachable
from nanobanana_cli.types import Data

# All that these libraries may raise. ValueError: invalid addresses and headers.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

# Where requests looks for a file of certificates, in this order.
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# OpenSSL's `X509_V_ERR_…`.
_SELF_SIGNED = 18
_OTHER_HOST = (
    "its certificate is for another host",
    "check the address: `nb config get base-url`; or a proxy or login page has answered instead",
)
_CERTIFICATES = {
    9: (
        "its certificate is not valid yet",
        "set the clock of this machine, which says {today}; or wait",
    ),
    10: (
        "its certificate has expired",
        (
            "check the clock of this machine, which says {today};"
            " if it is right, only the operator of the service can renew the certificate"
        ),
    ),
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


class _Problem(msgspec.Struct, frozen=True):
    """The cause of a failed connection.

    Args:
        reason: one clause.
        hint: what to do, where the usual hint does not fit.
        lasting: True if trying again is pointless.
    """

    reason: str
    hint: str | None = None
    lasting: bool = False


def from_exception(
    error: BaseException, attempt: Attempt, host: str, partial: Data | None = None
) -> NbError:
    """Return the error for an attempt that a library's exception ended.

    Args:
        error: one of `FAILURES`.
        attempt: says whether the request was sent, and whether nb itself ended it.
        host: the service's, for the message.
        partial: what came of the reply and cannot be used.

    Returns:
        OutcomeUnknown if a part of the request may have been sent, else Unreachable.
    """
    problem = _problem(error, is_sent=attempt.sent)
    ended = attempt.aborted or (AbortReason.DEADLINE if _is_late(error) else None)
    if attempt.sent:
        unknown = _unknown(ended, attempt.timeout, problem.reason)
        unknown.partial = partial
        return unknown
    if ended is AbortReason.CLOSED:
        return Unreachable("stopped before the request was sent", resends=0)
    reason = problem.reason
    if ended is AbortReason.DEADLINE:
        reason = f"no connection within {attempt.timeout:g} s"
    return Unreachable(
        f"cannot reach {host}: {reason}",
        hint=problem.hint,
        resends=0 if problem.lasting else None,
    )


def _is_late(error: BaseException) -> bool:
    """Tell whether a socket's own timeout passed, which stands in for a timer that cannot run.

    The system's own, such as that of a connection whose other end is gone, have a number.
    """
    return any(isinstance(each, TimeoutError) and not each.errno for each in _chain(error))


def _unknown(ended: AbortReason | None, timeout: float, reason: str) -> OutcomeUnknown:
    if ended is AbortReason.CLOSED:
        return OutcomeUnknown("stopped while waiting for the reply")
    if ended is AbortReason.DEADLINE:
        return OutcomeUnknown(
            f"no complete reply within {timeout:g} s",
            hint="check the account's usage before running it again, with a longer --timeout",
        )
    return OutcomeUnknown(f"the connection broke after the request was sent: {reason}")


def _problem(error: BaseException, *, is_sent: bool) -> _Problem:
    """Find the problem at the root of a library's exception."""
    chain = tuple(_chain(error))
    if not is_sent and isinstance(chain[-1], http.client.HTTPException):
        # Only a proxy answers before the request.
        return _broken_proxy(chain[-1])
    for cause in chain:
        if problem := _certificate(cause) or _proxy(cause) or _address(cause):
            return problem
    for cause in reversed(chain):
        if reason := _reason(cause):
            return _Problem(reason)
    return _Problem(f"the connection failed ({type(error).__name__})")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what caused it, the root last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        # urllib3 hands on what TLS behind a proxy raises without raising it again.
        inside = next((each for each in current.args if isinstance(each, BaseException)), None)
        current = current.__cause__ or current.__context__ or inside


def _certificate(cause: BaseException) -> _Problem | None:
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return _bundle(cause)
    if known := _CERTIFICATES.get(cause.verify_code):
        today = datetime.now().astimezone().date().isoformat()
        return _Problem(known[0], hint=known[1].format(today=today), lasting=True)
    hint = f"set {_CA_VARIABLES[0]} to a file with the certificates to trust"
    if cause.verify_code == _SELF_SIGNED:
        hint = f"if it is your own, {hint}; if not, another machine may have answered"
    elif variable := _bundle_variable():
        hint = f"add the certificate of its issuer to the file that {variable} names"
    reason = f"its certificate is not trusted ({cause.verify_message})"
    return _Problem(reason, hint=hint, lasting=True)


def _bundle(cause: BaseException) -> _Problem | None:
    """Return what is wrong with the user's own file of certificates, which requests reads."""
    variable = _bundle_variable()
    if variable is None or not isinstance(cause, OSError):
        return None
    hint = f"set {variable} to a PEM file with the certificates to trust, or unset it"
    path = os.environ[variable]
    if "TLS CA certificate bundle" in str(cause):
        return _Problem(f"the file named by {variable} does not exist", hint=hint, lasting=True)
    if isinstance(cause, ssl.SSLError | PermissionError) and not Path(path).is_dir():
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            what = "holds no certificates"
            if not isinstance(error, ssl.SSLError):
                what = f"cannot be read: {os.strerror(error.errno or 0).lower()}"
            return _Problem(f"the file named by {variable} {what}", hint=hint, lasting=True)
    return None


def _bundle_variable() -> str | None:
    return next((name for name in _CA_VARIABLES if os.environ.get(name)), None)


def _proxy(cause: BaseException) -> _Problem | None:
    is_malformed = isinstance(cause, _BAD_ADDRESS) and any(map(_is_malformed, _proxies()))
    if isinstance(cause, requests.exceptions.InvalidProxyURL) or is_malformed:
        reason = "the proxy's address is not valid"
        return _Problem(reason, hint="set HTTPS_PROXY to http://host:port", lasting=True)
    if isinstance(cause, requests.exceptions.InvalidSchema) and "SOCKS" in str(cause):
        return _Problem(
            "the proxy is a SOCKS proxy, which needs PySocks",
            hint="install PySocks beside nb: pip install 'nanobanana-wisgate[socks]'\n"
            "or set HTTPS_PROXY to the address of an HTTP proxy",
            lasting=True,
        )
    if type(cause).__module__ == "socks":
        root = tuple(_chain(cause))[-1]
        reason = f"the SOCKS proxy does not work: {_reason(root) or type(cause).__name__}"
        return _Problem(reason, hint="check HTTPS_PROXY, ALL_PROXY and NO_PROXY")
    if isinstance(cause, OSError) and (refused := _TUNNEL.search(str(cause))):
        reason = f"the proxy refused to connect ({refused[1]})"
        return _Problem(reason, hint="check HTTPS_PROXY and NO_PROXY", lasting=True)
    if isinstance(cause, ConnectionError) and _is_in_tunnel(cause):
        return _broken_proxy(cause)
    if isinstance(cause, requests.exceptions.ProxyError):
        return _broken_proxy(tuple(_chain(cause))[-1])
    return None


def _is_in_tunnel(error: BaseException) -> bool:
    """Return True if an exception comes from asking a proxy for a tunnel, which `http.client` does.

    Nothing else tells a connection that the proxy has reset from one that the host has.
    """
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_name == "_tunnel" for frame, _ in frames)


def _broken_proxy(root: BaseException) -> _Problem:
    reason = f"the proxy does not work: {_reason(root) or 'the connection failed'}"
    return _Problem(reason, hint="check HTTPS_PROXY and NO_PROXY")


def _proxies() -> list[str]:
    return [url for scheme, url in getproxies().items() if scheme != "no"]


def _is_malformed(url: str) -> bool:
    try:
        urllib3.util.parse_url(url)
    except urllib3.exceptions.LocationParseError:
        return True
    return False


def _address(cause: BaseException) -> _Problem | None:
    if isinstance(cause, _BAD_ADDRESS):
        return _Problem("the address is not valid", lasting=True)
    return None


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLEOFError, "the connection was closed"),
    (socket.gaierror, "the host name does not resolve"),
    (TimeoutError, "the connection timed out"),
    # Before its base class.
    (http.client.RemoteDisconnected, "the connection was closed without a reply"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection was closed"),
    (http.client.IncompleteRead, "the reply was cut short"),
    (urllib3.exceptions.IncompleteRead, "the reply was cut short"),
    (http.client.HTTPException, "the reply is not HTTP"),
)


def _reason(cause: BaseException) -> str | None:
    for kind, reason in _REASONS:
        if isinstance(cause, kind):
            return reason
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({(cause.reason or 'no reason given').lower().replace('_', ' ')})"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return None
