"""Replies as data: `tests/cases/replies.jsonl`, and what must come of each."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import msgspec
from PIL import Image
from support.wire_server import Answer, WireServer

_FOLDER = Path(__file__).parents[1] / "cases"
_PADDING = b" \n" * 100_000
_CHARGE_LINES = {"no": "Not charged.", "maybe": "May have been charged.", "yes": "Charged."}
COMMAND = ("generate", "a red fox", "-o", "fox.png", "--retries", "2")


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reply to every call, and what `nb` must make of it; see `tests/cases/README.md`."""

    name: str
    status: int
    body: Any
    exit: int
    charged: str
    calls: int
    headers: dict[str, str] = {}
    says: list[str] = []
    says_not: list[str] = []

    def answer(self) -> Answer:
        """The reply as a server sends it."""
        headers = {"Content-Type": "application/json", **self.headers}
        return Answer(self.status, tuple(headers.items()), _encoded(self.body))

    def image(self) -> bytes | None:
        """The image in the reply."""
        found = re.search(r'"\$image": "(\w+)"', json.dumps(self.body))
        return base64.b64decode(_image(found[1])) if found else None


class Run(Protocol):
    """What a run of `nb` left behind."""

    @property
    def code(self) -> int: ...
    @property
    def out(self) -> str: ...
    @property
    def err(self) -> str: ...


def load(name: str = "replies.jsonl") -> list[Case]:
    """All cases of a file."""
    lines = (_FOLDER / name).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines]


def judge(case: Case, run: Callable[[tuple[str, ...], Mapping[str, str]], Run]) -> dict[str, str]:
    """What each check found where it failed, "" where it holds.

    Args:
        case: served to two runs, one for people and one with --json.
        run: runs `nb` with arguments and environment, in a folder without fox.png.
    """
    with WireServer(case.answer()) as server:
        shown = run(COMMAND, _env(server))
        calls = len(server.requests)
    with WireServer(case.answer()) as server:
        told = run((*COMMAND, "--json", "--force"), _env(server))
    said = shown.err.lower()
    found = {
        "exit": _unless(shown.code == told.code == case.exit, (shown.code, told.code)),
        "charged": _unless(_is_charged(case, shown, told), (shown.err, told.out)),
        "calls": _unless(0 < calls <= case.calls, calls),
    }
    for each in case.says:
        found[f"says {each}"] = _unless(any(w in said for w in each.lower().split("|")), shown.err)
    for each in case.says_not:
        found[f"says not {each}"] = _unless(each.lower() not in said, shown.err)
    return found


def _unless(holds: bool, what: object) -> str:
    return "" if holds else f"{what}"


def _env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}


def _is_charged(case: Case, shown: Run, told: Run) -> bool:
    record = json.loads(told.out)
    if case.exit == 0:
        return case.charged == "yes" and "error" not in record and record["status"] == "written"
    line = shown.err.splitlines()[-1]
    return line == _CHARGE_LINES[case.charged] and record["error"]["charged"] == case.charged


def _encoded(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, dict) and len(body) == 1:
        [(name, inner)] = body.items()
        if name == "$sse":
            return b"".join(b"data: " + _json(each) + b"\n\n" for each in inner)
        if name == "$lines":
            return b"".join(_json(each) + b"\n" for each in inner)
        if name == "$pad":
            return _PADDING + _json(inner)
    return _json(body)


def _json(body: Any) -> bytes:
    return json.dumps(_with_images(body), ensure_ascii=False).encode()


def _with_images(body: Any) -> Any:
    if isinstance(body, list):
        return [_with_images(each) for each in body]
    if not isinstance(body, dict):
        return body
    if "$image" in body:
        return _image(body["$image"])
    return {name: _with_images(each) for name, each in body.items()}


@cache
def _image(form: str) -> str:
    # The ratio and size of `COMMAND`: 1:1 and 1K.
    buffer = io.BytesIO()
    Image.new("RGB", (1024, 1024), "red").save(buffer, form)
    return base64.b64encode(buffer.getvalue()).decode()
