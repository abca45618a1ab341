"""A service that counts the prompts it receives, and what it would have charged."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from support import pngs

# What to answer to the nth call with a prompt: 200, another status, or 0 to close in mid-body.
Answer = Callable[[str, int], int]


def _always(_prompt: str, _nth: int) -> int:
    return 200


class CountingServer:
    """Answers `generateContent` with a small PNG that differs from prompt to prompt.

    Args:
        answer: decides what each call gets.
        latency: seconds before each answer.
        retry_after: what a refusal says of that, if anything.
        refuses_at_once: whether an answer other than an image comes without latency.
        side: the width and height of pictures, in pixels.
        repeats: whether all pictures of a prompt are the same; else the nth is that of `fox #n`.

    Attributes:
        now: how many calls are in flight, with one that is being answered.
        calls: how often each prompt was asked for.
        charged: how often each prompt was answered with an image, or with part of one.
        most: how many calls were in flight at once.
        delivered: when each whole answer had gone out, by `time.monotonic`.
        sent: the reference images of each call with a prompt.
    """

    def __init__(
        self,
        answer: Answer = _always,
        *,
        latency: float = 0.0,
        retry_after: str | None = None,
        refuses_at_once: bool = False,
        side: int = 8,
        repeats: bool = True,
    ) -> None:
        self.side = side
        self.delivered: list[float] = []
        self.answer = answer
        self.retry_after = retry_after
        self.latency = latency
        self.calls: Counter[str] = Counter()
        self.charged: Counter[str] = Counter()
        self.most = 0
        self.sent: defaultdict[str, list[tuple[bytes, ...]]] = defaultdict(list)
        self._known: dict[bytes, bytes] = {}
        self.repeats = repeats
        self.refuses_at_once = refuses_at_once
        self.now = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def env(self) -> dict[str, str]:
        """What leads `nb` here."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"NB_BASE_URL": url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}

    def take(self, prompt: str, references: tuple[bytes, ...]) -> tuple[int, str]:
        """Note a call, and decide what it gets: a status, and whose image."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.calls[prompt] += 1
            # Each image is kept once.
            self.sent[prompt].append(tuple(self._known.setdefault(one, one) for one in references))
            status = self.answer(prompt, self.calls[prompt])
            of = prompt if self.repeats else f"{prompt} #{self.calls[prompt]}"
            if self.refuses_at_once and status not in (0, 200):
                self.now -= 1
                return status, of
        # Whoever is still waiting when the test is over has been answered then.
        self._ended.wait(self.latency)
        with self._lock:
            self.now -= 1
            if status in (0, 200):
                self.charged[prompt] += 1
        return status, of


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = False

    def __init__(self, owner: CountingServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # whoever asked was killed
        request = json.loads(body)
        prompt = asked(request)
        kinds = request["generationConfig"]["responseModalities"]
        status, of = self.server.owner.take(prompt, references(request))
        answer = json.dumps(
            reply(of, kinds=kinds, side=self.server.owner.side)
            if status in (0, 200)
            else problem(status)
        ).encode()
        try:
            self.send_response(status or 200)
            self.send_header("Content-Length", str(len(answer)))
            if status == 429 and self.server.owner.retry_after is not None:
                self.send_header("Retry-After", self.server.owner.retry_after)
            self.end_headers()
            self.wfile.write(answer if status else answer[: len(answer) // 2])
            self.server.owner.delivered.append(time.monotonic())
        except OSError:
            return  # whoever asked was killed

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def asked(request: dict[str, Any]) -> str:
    """The prompt; for a text alone, `text of` the prompt of the image that came with it."""
    parts = request["contents"][0]["parts"]
    sent = next(part["text"] for part in parts if "text" in part)
    if request["generationConfig"]["responseModalities"] == ["TEXT"]:
        data = next(part["inlineData"]["data"] for part in parts if "inlineData" in part)
        return "text of " + prompt_in(base64.b64decode(data))
    framed = re.search(r"<prompt>\n(.*)\n</prompt>", sent, re.DOTALL)
    return framed[1] if framed else str(sent)


def references(request: dict[str, Any]) -> tuple[bytes, ...]:
    """The images that come with a prompt."""
    parts = request["contents"][0]["parts"]
    found = (part["inlineData"]["data"] for part in parts if "inlineData" in part)
    return tuple(map(base64.b64decode, found))


def prompt_in(data: bytes) -> str:
    """The prompt that a picture holds."""
    at = data.rindex(b"tEXtComment\0")
    length = int.from_bytes(data[at - 4 : at])
    return data[at + 4 : at + 4 + length].removeprefix(b"Comment\0").decode()


def reply(prompt: str, *, kinds: Sequence[str] = ("IMAGE",), side: int = 8) -> dict[str, Any]:
    """What the service sends; a mute prompt gets no text."""
    parts: list[dict[str, Any]] = []
    if "TEXT" in kinds and "mute" not in prompt:
        parts.append({"text": f"Seen: {prompt}."})
    if "IMAGE" in kinds:
        data = base64.b64encode(image(prompt, side)).decode()
        parts.append({"inlineData": {"mimeType": "image/png", "data": data}})
    content = {"role": "model", "parts": parts}
    return {
        "candidates": [{"content": content, "finishReason": "STOP"}],
        "responseId": f"of {prompt}",
    }


@lru_cache(64)
def image(prompt: str, side: int = 8) -> bytes:
    """The picture for a prompt, whose pixels differ, and which holds it in a text chunk."""
    shape = pngs.Shape(side, side)
    whole = pngs.png(shape, rows=shape.rows(zlib.crc32(prompt.encode("utf-8", "replace"))))
    end = whole.rindex(b"IEND") - 4
    text = b"Comment\0" + prompt.encode("ascii", "backslashreplace")
    return whole[:end] + pngs.chunk(b"tEXt", text) + whole[end:]


def problem(status: int) -> dict[str, Any]:
    """What the service sends instead of one."""
    return {"error": {"code": status, "message": f"status {status}", "status": "TROUBLE"}}
