"""Turn a request into a reply and a line for the log: the service without its sockets."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from nanobanana_cli.errors import UsageError
from nanobanana_cli.sandbox import errors, picture, replies, validation
from nanobanana_cli.sandbox.errors import ApiError
from nanobanana_cli.sandbox.fault_replies import reply_to
from nanobanana_cli.sandbox.faults import Fault, FaultQueue
from nanobanana_cli.sandbox.replies import HttpReply, json_reply
from nanobanana_cli.sandbox.validation import Request
from nanobanana_cli.types import Redacted

# A base URL may have a path before the version. google-genai 1 asks for v1beta, 3.4 for v1.
_ROUTE = re.compile(r".*?/v1(?:beta)?/models(?:/(?P<model>[^/:]+)(?P<method>:generateContent)?)?/?")
_METHODS = {("GET", False), ("POST", True)}
_SERVED = "GET /v1beta/models and POST /v1beta/models/MODEL:generateContent"
_PICTURE = re.compile(r"/pictures/([0-9a-f]{32})\.png")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,300}")
# So many of the newest links work.
_LINKS = 1000
_SHOWN_PROMPT = 60


class HttpRequest(Redacted, frozen=True):
    """An HTTP request.

    Args:
        method: such as `POST`.
        target: path and query.
        headers: by name in lower case.
        body: read whole.
    """

    # The query may hold a key.
    _hidden = ("target", "headers", "body")

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query, still escaped."""
        # Not urlsplit, which takes some targets for an address of IPv6 and fails.
        return self.target.partition("?")[0]

    @property
    def query(self) -> Mapping[str, Sequence[str]]:
        """The values of each name in the query."""
        return parse_qs(self.target.partition("?")[2])


class Exchange(msgspec.Struct):
    """An HTTP request and its reply, with the model, request and fault when known."""

    http_request: HttpRequest
    reply: HttpReply
    model: str | None = None
    request: Request | None = None
    fault: Fault | None = None

    def record(self) -> dict[str, Any]:
        """Return the log's line: never the key, so never the query."""
        request = self.request
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": self.http_request.method,
            "path": self.http_request.path,
            "status": None if self.reply.mode in ("reset", "hang") else self.reply.status,
            "fault": self.fault.name if self.fault else None,
            "model": self.model,
            "prompt": request.prompt if request else None,
            "aspect": request.aspect if request else None,
            "size": request.size if request else None,
            "modalities": list(request.modalities) if request else None,
            "references": len(request.references) if request else None,
            "paid": self.reply.paid,
        }

    def line(self, seconds: float) -> str:
        """Return a line for people.

        Args:
            seconds: what it took to make the reply.
        """
        record = self.record()
        words = [f"{datetime.now().astimezone():%H:%M:%S}", record["method"], record["path"]]
        words += [str(record["status"] or "no reply"), f"{seconds:.2f} s"]
        if self.fault:
            words.append(f"fault {self.fault.name}")
        if self.request:
            words += ["paid" if self.reply.paid else "free", self.request.aspect, self.request.size]
            prompt = " ".join(self.request.prompt.split())
            words.append(
                prompt if len(prompt) <= _SHOWN_PROMPT else prompt[: _SHOWN_PROMPT - 1] + "…"
            )
        return "  ".join(words)


class Handler:
    """The service: replies to requests.

    Args:
        key: demanded of every request; None demands any.
        faults: the requests to spoil.
    """

    def __init__(self, *, key: str | None, faults: FaultQueue) -> None:
        self._key = key
        self._faults = faults
        self._linked: dict[str, tuple[str, str, str]] = {}
        self._lock = threading.Lock()

    def handle(self, http_request: HttpRequest) -> Exchange:
        """Return the exchange; an error of the client is a reply, too."""
        exchange = Exchange(http_request, json_reply({}))
        try:
            exchange.reply = self._reply(exchange)
        except ApiError as error:
            exchange.reply = error_reply(error)
        return exchange

    def _reply(self, exchange: Exchange) -> HttpReply:
        http_request = exchange.http_request
        if http_request.method == "GET" and (linked := _PICTURE.fullmatch(http_request.path)):
            return self._picture(linked[1])
        # Some clients send the colon before the method as %3A.
        route = _ROUTE.fullmatch(unquote(http_request.path))
        if route is None or (http_request.method, bool(route["method"])) not in _METHODS:
            raise ApiError(404, f"The requested URL was not found. The sandbox serves {_SERVED}.")
        self._check_key(http_request)
        if route["model"] is None:
            return json_reply(replies.models(http_request.query))
        exchange.model = route["model"]
        if http_request.method == "GET":
            return json_reply(replies.model(validation.known_model(exchange.model)))
        exchange.request = validation.parse(exchange.model, http_request.body)
        request = exchange.request
        exchange.fault = self._fault(request)
        host = http_request.headers.get("host", "")
        return reply_to(request, exchange.fault, lambda: self._link(request, host))

    def _link(self, request: Request, host: str) -> str:
        """Return an address of the request's picture, at the host that the client knows."""
        token = secrets.token_hex(16)
        with self._lock:
            self._linked[token] = (request.prompt, request.aspect, request.size)
            if len(self._linked) > _LINKS:
                del self._linked[next(iter(self._linked))]
        return f"http://{host if _HOST.fullmatch(host) else 'localhost'}/pictures/{token}.png"

    def _picture(self, token: str) -> HttpReply:
        """Return a picture that a reply links to; like a file server, ask for no key."""
        with self._lock:
            found = self._linked.get(token)
        if found is None:
            raise ApiError(404, "The picture was not found.")
        return HttpReply(200, picture.render(*found), "image/png")

    def _check_key(self, http_request: HttpRequest) -> None:
        headers = http_request.headers
        given = headers.get("x-goog-api-key", "")
        if not given:
            bearer = headers.get("authorization", "").lower().startswith("bearer ")
            raise errors.bearer_key() if bearer else errors.no_key()
        if self._key and not hmac.compare_digest(given.encode(), self._key.encode()):
            raise errors.wrong_key()

    def _fault(self, request: Request) -> Fault | None:
        if request.marker is None:
            return self._faults.next()
        try:
            return self._faults.next_marked(request.marker, request.prompt)
        except UsageError as error:
            raise ApiError(400, f"{error.message}; {error.hint}") from error


def error_reply(error: ApiError) -> HttpReply:
    """Return the reply that states an error."""
    return json_reply(error.body, error.code)
