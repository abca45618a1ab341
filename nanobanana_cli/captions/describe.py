"""Describe an existing image: with at most one call a text, and none for one that exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nanobanana_cli.captions import jobs, prompts, sidecar, source_image
from nanobanana_cli.captions.jobs import Decision, Job
from nanobanana_cli.captions.save import save_reply_text, save_text
from nanobanana_cli.captions.source_image import SourceImage
from nanobanana_cli.errors import ENDS_RUN, NbError
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

    @property
    def provider(self) -> str:
        """The name of the provider that receives the calls."""
        return self._blank.provider

    def describe(self, job: Job) -> Result:
        """Return the result for one text; a failure is a result too."""
        spec = job.destination.spec
        result = replace(self._blank, path=job.path, lang=spec.tag or spec.lang)
        if job.owner is not None:
            text_file = job.destination.text_path(job.path)
            note = f"{job.path} shares {text_file} with {job.owner}, left alone"
            return replace(result, status="skipped", notes=(note,))
        if self._ended_by is not None:
            return replace(result, error=self._ended_by)
        try:
            image = source_image.load(job.path, self._read_stdin)
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
        if job.owner is not None or destination.is_decorative or job.typed is not None:
            return False
        if not (destination.write or destination.embed):
            return destination.again or not jobs.is_decorative(job.path)
        try:
            return jobs.decide(job, source_image.load(job.path, self._read_stdin)).text is None
        except Exception:  # noqa: BLE001 - it must not end the run before the other calls
            return False

    def pending(self, job: Job) -> ContentRequest | None:
        """Return the request that a text needs; None for one that needs no call.

        Raises:
            NbError: `describe` would fail before the call.
        """
        if job.owner is not None:
            return None
        image = source_image.load(job.path, self._read_stdin)
        return self._request(job, image) if jobs.decide(job, image).text is None else None

    def _request(self, job: Job, image: SourceImage) -> ContentRequest:
        framed = prompts.for_picture(job.destination.spec, image.path)
        return replace(self._blank.request, framed=framed, references=(image.reference(),))

    def _described(self, result: Result, job: Job, image: SourceImage) -> Result:
        decision = jobs.decide(job, image)
        if decision.text is None:
            result = self._asked(result, job, image)
            result = result if result.error else save_reply_text(result, decision.destination)
        else:
            if job.destination.write and not decision.destination.write:
                result = replace(result, alt_path=str(job.destination.text_path(job.path)))
            if decision.is_there and not decision.is_edit:
                return replace(
                    _of_decorative(result, decision), status="skipped", alt=decision.text
                )
            result = save_text(result, decision.text, decision.destination)
        if result.error is not None:
            return result
        return replace(result, status="written" if decision.is_edit else "unchanged")

    def _asked(self, result: Result, job: Job, image: SourceImage) -> Result:
        with self._open_session().call(self._request(job, image), result) as answered:
            return answered


def _of_decorative(result: Result, decision: Decision) -> Result:
    """Return the result with the empty file that says so, if that is why there is no text."""
    is_empty = not decision.text and result.path is not None and jobs.is_decorative(result.path)
    text_file = str(sidecar.path_of(result.path or "")) if is_empty else result.alt_path
    return replace(result, alt_path=text_file)


def _with_facts(result: Result, image: SourceImage) -> Result:
    width, height = image.size or (None, None)
    return replace(
        result,
        mime_type=image.mime_type,
        width=width,
        height=height,
        size=len(image.data),
    )
