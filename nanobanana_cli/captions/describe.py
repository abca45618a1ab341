"""Describe an existing image: with at most one call a text, and none for one that exists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import prod
from threading import Event, Lock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nanobanana_cli.captions import jobs, prompts, source_image
from nanobanana_cli.captions.jobs import Decision, Job
from nanobanana_cli.captions.save import save_reply_text, save_text
from nanobanana_cli.captions.source_image import SourceImage
from nanobanana_cli.errors import ENDS_RUN, Charged, NbError
from nanobanana_cli.images.content import shown_in
from nanobanana_cli.system import error_of
from nanobanana_cli.types import ContentRequest, Result

if TYPE_CHECKING:
    from nanobanana_cli.generation.session import Session


class Describer:
    """Describe images one by one, on any thread.

    Args:
        blank: a result with the request to send, but for the image.
        open_session: opens the session, which the first call needs.
        read_stdin: returns the bytes of the image `-`.
    """

    def __init__(
        self,
        blank: Result,
        *,
        open_session: Callable[[], Session],
        read_stdin: Callable[[], bytes],
    ) -> None:
        self._blank = blank
        self._open_session = open_session
        self._read_stdin = read_stdin
        self._ended_by: NbError | None = None
        # By the subject of a job: the first result; guards for whom it keeps waiting.
        self._answers: dict[object, Result] = {}
        self._locks: dict[object, Lock] = {}
        # By image and subject: set when nothing more comes, for whom it shares its text file with.
        self._done: defaultdict[object, Event] = defaultdict(Event)
        self._guard = Lock()

    def describe(self, job: Job) -> Result:
        """Return the result for one text; a failure is a result too."""
        if job.owner is not None:
            self._ended(job.owner, job).wait()
        try:
            return self._result(job)
        finally:
            self._ended(job.path, job).set()

    def refuse(self, job: Job, error: NbError) -> Result:
        """Return the result for a text that cannot be asked for."""
        return replace(self._begun(job), error=error)

    def _begun(self, job: Job) -> Result:
        spec = job.destination.spec
        return replace(self._blank, path=job.path, lang=spec.tag or spec.lang)

    def _ended(self, path: str, job: Job) -> Event:
        """Return the event that the text of a job's subject is done with at an image."""
        with self._guard:
            return self._done[path, job.subject]

    def _result(self, job: Job) -> Result:
        result = self._begun(job)
        if job.is_left:
            text_file = job.destination.text_path(job.path)
            note = f"{job.path} shares {text_file} with {job.owner}, left alone"
            return replace(result, status="skipped", notes=(note,))
        if self._ended_by is not None:
            return replace(result, error=self._ended_by)
        try:
            image = source_image.load(job.path, self._read_stdin)
        except Exception as exception:  # noqa: BLE001 - it must not end the other calls
            return replace(result, error=error_of(exception, Charged.NO).released())
        try:
            result = self._described(_with_facts(result, image), job, image)
        except Exception as exception:  # noqa: BLE001 - it must not end the other calls
            result = replace(result, error=error_of(exception).released())
        if isinstance(result.error, ENDS_RUN):
            self._ended_by = result.error
        return result

    def needs_call(self, job: Job) -> bool:
        """Return whether a text needs a call; the image is read where it may have one.

        One that cannot be read, edited or replaced needs none: `describe` says why.
        """
        destination = job.destination
        if job.is_left or destination.is_decorative or job.typed is not None:
            return False
        if not (destination.write or destination.embed):
            return destination.again or jobs.empty_file(job) is None
        try:
            return jobs.decide(job, source_image.load(job.path, self._read_stdin)).text is None
        except Exception:  # noqa: BLE001 - it must not end the run before the other calls
            return False

    def due(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs that need calls; one for the sizes and formats of a picture."""
        found: dict[object, Job] = {}
        for job in jobs:
            if job.subject not in found and self.needs_call(job):
                found[job.subject] = job
        return [*found.values()]

    def pending(self, job: Job) -> ContentRequest | None:
        """Return the request that a text needs; None for one that needs no call.

        Raises:
            NbError: `describe` would fail before the call.
        """
        if job.is_left:
            return None
        image = source_image.load(job.path, self._read_stdin)
        if jobs.decide(job, image).text is not None:
            return None
        return self._request(job, _largest(job, image, self._read_stdin))

    def _request(self, job: Job, image: SourceImage) -> ContentRequest:
        framed = prompts.for_picture(job.destination.spec, image.path)
        return replace(self._blank.request, framed=framed, references=(image.reference(),))

    def _described(self, result: Result, job: Job, image: SourceImage) -> Result:
        wanted, job = job, jobs.placed(job, image)
        decision = jobs.decide(job, image)
        if job != wanted and decision.is_edit:
            result = replace(result, notes=(_placed_note(job, image),))
        if decision.text is None:
            result = self._answered(result, job, decision, image)
        else:
            if job.destination.write and not decision.destination.write:
                result = replace(result, alt_path=str(job.destination.text_path(job.path)))
            if decision.is_there and not decision.is_edit:
                result = _of_empty(result, job, decision)
                return replace(result, status="skipped", alt=decision.text)
            result = save_text(result, decision.text, decision.destination)
        if result.error is not None:
            # A text that came and has no place is a result all the same.
            return result if result.alt is not None else replace(result, status="failed")
        return replace(result, status="written" if decision.is_edit else "unchanged")

    def _answered(self, result: Result, job: Job, decision: Decision, image: SourceImage) -> Result:
        """Ask for a text, once for all sizes and formats of a picture, and save it."""
        with self._guard:
            lock = self._locks.setdefault(job.subject, Lock())
        with lock:
            first = self._answers.get(job.subject)
            if first is None:
                image = _largest(job, image, self._read_stdin)
                result = self._asked(result, job, image, decision)
                self._answers[job.subject] = replace(result, reply=None)
                return result
        if first.alt is None:
            return replace(result, error=first.error)
        return save_text(result, first.alt, decision.destination)

    def _asked(self, result: Result, job: Job, image: SourceImage, decision: Decision) -> Result:
        session, destination = self._open_session(), decision.destination
        request = self._request(job, image)
        with session.call(request, result) as answered:
            result = answered if answered.error else save_reply_text(answered, destination)
            _log(session, replace(result, request=request), decision, image)
        return result


def _log(session: Session, result: Result, decision: Decision, image: SourceImage) -> None:
    """Add a line for a call to the log."""
    if result.alt is not None:
        is_saved = decision.is_edit and result.error is None
        result = replace(result, status="written" if is_saved else "unchanged")
    shown = shown_in(image.data) if session.log.is_kept else None
    session.log.add([result], decision.destination.options, shown=shown)


def _largest(job: Job, image: SourceImage, read_stdin: Callable[[], bytes]) -> SourceImage:
    """Return the largest file of a picture that can be read."""
    largest = image
    for path in job.variants:
        with suppress(Exception):
            found = source_image.load(path, read_stdin)
            if prod(found.size or ()) > prod(largest.size or ()):
                largest = found
    return largest


def _placed_note(job: Job, image: SourceImage) -> str:
    from nanobanana_cli.captions import embedded

    title = embedded.closed_format(image.data)
    place = job.destination.text_path(job.path)
    return f"nb embeds no text in {title} files, so the text of {job.path} is in {place}"


def _of_empty(result: Result, job: Job, decision: Decision) -> Result:
    """Return the result with the empty file that says so, if that is why there is no text."""
    empty = None if decision.text else jobs.empty_file(job)
    return replace(result, alt_path=str(empty)) if empty else result


def _with_facts(result: Result, image: SourceImage) -> Result:
    width, height = image.size or (None, None)
    return replace(
        result,
        mime_type=image.mime_type,
        width=width,
        height=height,
        size=len(image.data),
    )
