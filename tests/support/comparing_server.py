"""A sandbox that remembers the parts that it sent, and counts what comes back otherwise."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from nanobanana_cli.sandbox.faults import FaultQueue
from nanobanana_cli.sandbox.handler import Handler, HttpRequest


class ComparingServer:
    """Serves like the sandbox, on a free port.

    Attributes:
        requests: the bodies that came, in order.
        sent: the model's parts that it sent, in order, as one list for each reply.
        altered: the turns of the model that came back otherwise than they were sent.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.sent: list[list[Any]] = []
        self.altered: list[Any] = []
        self._handler = Handler(key=None, faults=FaultQueue([]))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests())

    @property
    def env(self) -> dict[str, str]:
        """The variables that point `nb` at it."""
        url = f"http://127.0.0.1:{self._server.server_port}"
        return {"NB_BASE_URL": url, "WISDOM_GATE_KEY": "secret-key-123456"}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, request: HttpRequest) -> tuple[int, bytes]:
        """Compare the model's turns, and answer as the sandbox does."""
        body = json.loads(request.body)
        self.requests.append(body)
        turns = [turn["parts"] for turn in body["contents"] if turn.get("role") == "model"]
        self.altered += [turn for turn in turns if turn not in self.sent]
        answer = self._handler.handle(request).reply
        if answer.status == 200:
            self.sent.append(_parts(json.loads(answer.body)))
        return answer.status, answer.body

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, answer = server.reply(HttpRequest("POST", self.path, headers, body))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Requests


def _parts(reply: Any) -> list[Any]:
    if isinstance(reply, list):
        return [part for chunk in reply for part in _parts(chunk)]
    reply = reply.get("response", reply)
    return [*reply["candidates"][0]["content"]["parts"]]
