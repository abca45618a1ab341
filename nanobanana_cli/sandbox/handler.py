"""A request in, an answer and a line for the log out: the service without its sockets."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from nanobanana_cli.errors import UsageError
from nanobanana_cli.sandbox import errors, fault_replies, replies, validation
from nanobanana_cli.sandbox.errors import ApiError
from nanobanana_cli.sandbox.fault_replies import FaultReply
from nanobanana_cli.sandbox.faults import Fault, FaultQueue
from nanobanana_cli.sandbox.validation import Request
from nanobanana_cli.types import Redacted

# A base URL may have a path before the version. google-genai 1 asks for v1beta, 3.4 for v1.
_ROUTE = re.compile(r".*?/v1(?:beta)?/models(?:/(?P<model>[^/:]+)(?P<method>:generateContent)?)?/?")


class HttpRequest(Redacted, frozen=True):
    """A request as it came in.

    Args:
        method: HTTP.
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
        """The target without its query, as it came."""
        # Not urlsplit, which takes some targets for an address of IPv6 and fails.
        return self.target.partition("?")[0]

    @property
    def query(self) -> Mapping[str, Sequence[str]]:
        """Name → values."""
        return parse_qs(self.target.partition("?")[2])


class Exchange(msgspec.Struct):
    """A call, its answer, and what came to light in between."""

    call: HttpRequest
    answer: FaultReply
    model: str | None = None
    ask: Request | None = None
    fault: Fault | None = None

    def record(self) -> dict[str, Any]:
        """The log's line: never the key, so never the query."""
        ask = self.ask
        sent = self.answer.delivery not in ("reset", "hang")
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": self.call.method,
            "path": self.call.path,
            "status": self.answer.status if sent else None,
            "fault": self.fault.name if self.fault else None,
            "model": self.model,
            "prompt": ask.prompt if ask else None,
            "aspect": ask.aspect if ask else None,
            "size": ask.size if ask else None,
            "modalities": list(ask.modalities) if ask else None,
            "references": len(ask.references) if ask else None,
            "paid": self.answer.paid,
        }


class Handler:
    """Answers calls.

    Args:
        key: demanded of every call when given.
        faults: what to spoil.
    """

    def __init__(self, *, key: str | None, faults: FaultQueue) -> None:
        self._key = key
        self._faults = faults

    def handle(self, call: HttpRequest) -> Exchange:
        """The answer to a call; whatever is wrong with it is an answer too."""
        exchange = Exchange(call, fault_replies.encoded({}))
        try:
            exchange.answer = self._answer(exchange)
        except ApiError as error:
            exchange.answer = refused(error)
        return exchange

    def _answer(self, exchange: Exchange) -> FaultReply:
        call = exchange.call
        # Some clients send the colon before the method as %3A.
        route = _ROUTE.fullmatch(unquote(call.path))
        if route is None or (call.method, bool(route["method"])) not in _METHODS:
            raise ApiError(404, f"The requested URL was not found. The sandbox serves {_SERVED}.")
        self._check_key(call)
        if route["model"] is None:
            return fault_replies.encoded(replies.models())
        exchange.model = route["model"]
        if call.method == "GET":
            return fault_replies.encoded(replies.model(validation.known_model(exchange.model)))
        ask = exchange.ask = validation.parse(exchange.model, call.body)
        exchange.fault = self._fault(ask)
        return fault_replies.answer(ask, exchange.fault)

    def _check_key(self, call: HttpRequest) -> None:
        if self._key is None:
            return
        given = call.headers.get("x-goog-api-key") or call.query.get("key", [""])[0]
        if not given:
            bearer = call.headers.get("authorization", "").lower().startswith("bearer ")
            raise errors.bearer_key() if bearer else errors.no_key()
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise errors.wrong_key()

    def _fault(self, ask: Request) -> Fault | None:
        if ask.marker is None:
            return self._faults.next()
        try:
            return self._faults.marked(ask.marker, ask.prompt)
        except UsageError as error:
            raise ApiError(400, f"{error.message}; {error.hint}") from error


_METHODS = {("GET", False), ("POST", True)}
_SERVED = "GET /v1beta/models and POST /v1beta/models/MODEL:generateContent"


def refused(error: ApiError) -> FaultReply:
    """A refusal as an answer."""
    return fault_replies.encoded(error.body, error.code)
