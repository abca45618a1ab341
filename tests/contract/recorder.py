"""Keep replies of a service as cases, in the form of `tests/cases/`, without private details."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from contract.answers import Reply
from support.cases import COMMAND, Case
from support.wire_server import WireServer

from nanobanana_cli.images import formats
from nanobanana_cli.settings.redaction import redact, redact_body

CASES = "replies.jsonl"
_LONGEST_PAGE = 20_000
_HEADER = re.compile(r"retry-after|content-type|.*(?:rate-?limit|quota).*", re.IGNORECASE)
_SIGNATURE = "c2lnbmF0dXJl"
# What errors name of an account: keys shown in part, addresses, projects, numbers, sums.
_PRIVATE = (
    (re.compile(r"\b(?:sk-|AIza)[\w*.…-]+"), "sk-0"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"), "user@example.com"),
    (re.compile(r"\b(projects?[/:])[\w-]+"), r"\g<1>project"),
    (re.compile(r"[$¥]\s?-?\d+(?:[.,]\d+)*"), "$0.00"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "192.0.2.1"),
    (re.compile(r"\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F:]*[0-9a-fA-F]"), "2001:db8::1"),
    (
        re.compile(r"(?i)((?:user|token|account|project|organi[sz]ation|用户|令牌)\D{0,12})\d+"),
        r"\g<1>0",
    ),
    (re.compile(r"\d{9,}"), "0"),
)


class Recorder:
    """Writes cases, and the images of replies beside them.

    Args:
        folder: made if it is not there.
        secrets: the key, which nothing that is written holds.
    """

    def __init__(self, folder: Path, *secrets: str) -> None:
        self._folder = folder
        self._secrets = secrets
        self._kept = 0

    def keep(self, replies: list[Reply], nb: Callable[..., Any]) -> None:
        """Keep what came since the last call, and what `nb` makes of it.

        Args:
            replies: all that came, in order.
            nb: runs `nb` in the current folder.
        """
        for reply in replies[self._kept :]:
            if not reply.question.path:
                self._keep(reply, nb)
        self._kept = len(replies)

    def _keep(self, reply: Reply, nb: Callable[..., Any]) -> None:
        name = f"{reply.status}-{reply.subject.provider}-{reply.question.name}"
        self._folder.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(self._images(reply)):
            found = formats.format_of(image)
            suffix = found.name if found else "bin"
            if redact_body(image, self._secrets) is image:
                path = self._folder / f"{name}{f'-{number + 1}' if number else ''}.{suffix}"
                path.write_bytes(image)
        headers = {
            key: self._clean(value)
            for key, value in reply.headers.items()
            if _HEADER.fullmatch(key) and "application/json" not in value
        }
        page = reply.body[:_LONGEST_PAGE].decode("utf-8", "replace")
        body = self._clean(page if reply.json is None else reply.json)
        case = _tried(Case(name, reply.status, body, 0, "", 1, headers), nb)
        with (self._folder / CASES).open("ab") as file:
            file.write(msgspec.json.encode(case) + b"\n")

    @staticmethod
    def _images(reply: Reply) -> list[bytes]:
        with contextlib.suppress(ValueError):
            return reply.images
        return []

    def _clean(self, value: Any, name: str = "") -> Any:
        """Return a value without secrets, private details, and the bytes of images."""
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if isinstance(value, dict):
            return self._clean_object(value)
        if not isinstance(value, str):
            return value
        if name in ("thoughtSignature", "thought_signature"):
            return _SIGNATURE
        if name in ("responseId", "response_id"):
            return "recorded"
        text = redact(value, self._secrets)
        for pattern, instead in _PRIVATE:
            text = pattern.sub(instead, text)
        return text

    def _clean_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        is_blob = "mimeType" in value or "mime_type" in value
        return {
            self._clean(name): _placeholder(each)
            if is_blob and name == "data" and isinstance(each, str)
            else self._clean(each, name)
            for name, each in value.items()
        }


def _placeholder(data: str) -> Any:
    """Return what stands for base64 in a case; an image is in a file of its own."""
    try:
        found = formats.format_of(base64.b64decode(data))
    except ValueError:
        found = None
    return {"$image": found.name} if found else data[:40]


def _tried(case: Case, nb: Callable[..., Any]) -> Case:
    """Return the case with what `nb` makes of it today."""
    with WireServer(case.answer()) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        run = nb(*COMMAND, env=env)
        calls = len(server.requests)
    Path("fox.png").unlink(missing_ok=True)
    sentences = {"Not charged.": "no", "May have been charged.": "maybe", "Charged.": "yes"}
    last = run.err.splitlines()[-1] if run.err else ""
    charged = "yes" if run.code == 0 else sentences.get(last, "")
    return msgspec.structs.replace(case, exit=int(run.code), charged=charged, calls=max(calls, 1))
