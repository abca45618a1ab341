"""Build the lines of a ledger: before a call, after it, and for one that a killed run left open."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch.history import DoubtfulCall
from nanobanana_cli.batch.ledger import FORM, Event, Ledger, LedgerLine
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.errors import Charged, Unavailable
from nanobanana_cli.generation.destinations import MisplacedImage
from nanobanana_cli.images.content import ImageContent
from nanobanana_cli.money import usd
from nanobanana_cli.sandbox import RESPONSE_ID
from nanobanana_cli.types import ErrorRecord, Reply, Result


class OutputFolder(msgspec.Struct, frozen=True):
    """The output folder.

    Args:
        path: its path.
        name: as lines name it; None when it is the ledger's own, or cannot be named.
    """

    path: Path
    name: str | None

    @classmethod
    def of(cls, path: Path, ledger: Path) -> Self:
        """Return a folder as the ledger in another one names it; the current one must be there."""
        try:
            name = os.path.relpath(path, ledger).replace(os.sep, "/")
            name.encode()
        except ValueError:  # It is on another drive, or no text.
            return cls(path, None)
        return cls(path, None if name == "." else name)

    def relative(self, file: str | Path) -> str:
        """Return a file below the folder as lines name it."""
        return Path(file).relative_to(self.path).as_posix()


class CallRecord:
    """Record one call, from its intent to the hash of its image.

    Args:
        step: the image.
        intent: the line for the call.
        ledger: takes the lines.
    """

    def __init__(self, step: Step, intent: LedgerLine, ledger: Ledger) -> None:
        self.intent = intent
        self.is_recorded = False
        self._is_free = False
        self.content: ImageContent | None = None
        self._step = step
        self._ledger = ledger

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Record the intent before the block sends a request, and at once if that was refused.

        A run that is killed while it waits to send it again has nothing in doubt then.
        """
        if not self.is_recorded:
            dropped = [dropped_line(each, each.cost) for each in self._step.doubts]
            self._ledger.extend([*dropped, self.intent])
        elif self._is_free:
            # Lines of one id settle each other in any order.
            self.intent = replace(self.intent, id=uuid.uuid4().hex, time=_now())
            self._ledger.append(self.intent)
        self.is_recorded, self._is_free = True, False
        try:
            yield
        except Unavailable as error:
            if error.charged is Charged.NO:
                self._ledger.append(dropped_line(self.intent, 0))
                self._is_free = True
            raise

    def receive(self, content: ImageContent) -> None:
        """Record the image before any file has its name."""
        self._ledger.append(received_line(self.intent, content))
        self.content = content


def intent_line(step: Step, provider: str) -> LedgerLine:
    """Return the line for a call that is about to be sent."""
    item, text = step.item, step.asks_text
    return LedgerLine(
        event="intent",
        id=uuid.uuid4().hex,
        row=item.target,
        fingerprint=item.text_fingerprint if text else item.fingerprint,
        form=FORM,
        asked=None if text else item.asked,
        cost_usd=usd(step.price),
        time=_now(),
        provider=provider,
        model=text.model if text else item.settings.model,
        size=None if text else item.settings.size,
    )


def received_line(call: LedgerLine, content: ImageContent) -> LedgerLine:
    """Return the line for an image that was received and has no name yet.

    Args:
        call: its intent.
        content: of the file that will have the name.
    """
    return LedgerLine(
        event="received",
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        form=FORM,
        time=_now(),
        sha256=content.sha256,
        shown=content.shown,
        bytes=content.size,
    )


def outcome_line(
    step: Step,
    call: LedgerLine,
    result: Result,
    folder: OutputFolder,
    content: ImageContent | None,
) -> LedgerLine:
    """Return the line for the outcome of a call.

    Args:
        step: the image.
        call: its intent.
        result: the result of the call.
        folder: the output folder.
        content: of the image, if it was received.
    """
    error = None if result.status == "written" else result.error
    cost = call.cost_usd if result.cost is None else usd(result.cost)
    reply = result.reply
    line = LedgerLine(
        event="failed" if error else "written",
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        form=FORM,
        cost_usd=0.0 if error and error.charged is Charged.NO else cost,
        time=_now(),
        provider="sandbox" if _is_sandbox(reply) else call.provider,
        sha256=result.sha256 or (content.sha256 if content else None),
        shown=content.shown if content else None,
        seconds=None if result.seconds is None else round(result.seconds, 2),
        attempts=result.attempts or None,
        response_id=reply.response_id if reply else None,
    )
    if error is not None:
        place = error.path if isinstance(error, MisplacedImage) else None
        path = None if place is None else folder.relative(place)
        return replace(line, root=folder.name, path=path, error=ErrorRecord.of(error))
    return replace(
        line,
        root=folder.name,
        path=folder.relative(result.path or ""),
        bytes=result.size,
        width=result.width,
        height=result.height,
        mime_type=result.mime_type,
        alt=result.alt,
        alt_path=step.item.named_alt_file if result.alt_path else None,
    )


def dropped_line(call: DoubtfulCall | LedgerLine, cost: int | None) -> LedgerLine:
    """Return the line that settles a call whose image is made again.

    Args:
        call: as recorded.
        cost: micro-dollars that it may have cost; None when not known.
    """
    return LedgerLine(
        event="dropped",
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        form=FORM,
        cost_usd=usd(cost),
        time=_now(),
    )


def file_line(
    step: Step, folder: OutputFolder, path: str, content: ImageContent, text: str | None = None
) -> LedgerLine:
    """Return the line for a file that is there without a call of this run.

    It settles the call that made it, if that was not recorded; it has an id of its own, and costs
    nothing, if the file was reused or is the user's own.

    Args:
        step: the image.
        folder: the output folder.
        path: of the file, below that folder.
        content: of the file.
        text: its alt text, if it is at hand too.
    """
    item, call, found = step.item, step.recovered, step.found
    made = found.made if found else step.beside
    is_own = step.beside is not None and step.beside.is_own
    event: Event = "reused" if made and not is_own else "accepted"
    return LedgerLine(
        event="written" if call else event,
        id=call.id if call else uuid.uuid4().hex,
        row=item.target,
        fingerprint=item.fingerprint,
        form=FORM,
        asked=item.asked,
        cost_usd=usd(call.cost) if call else 0.0,
        time=_now(),
        provider="sandbox" if made and made.is_sandbox else None,
        root=folder.name,
        path=path,
        sha256=content.sha256,
        shown=content.shown,
        paid=made.paid if made else None,
        origin=made.content if made and made.content != content.sha256 else None,
        bytes=content.size,
        alt=text,
        alt_path=item.named_alt_file if text else None,
    )


def _is_sandbox(reply: Reply | None) -> bool:
    """Return whether a reply came from a sandbox, which may serve at any address."""
    return reply is not None and (reply.response_id or "").startswith(RESPONSE_ID)


def _now() -> str:
    """Return the current time as in a ledger: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
