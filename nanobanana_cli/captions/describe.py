"""From an existing image to its text: at most one call, and none for a text that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nanobanana_cli.captions import sidecar, subject
from nanobanana_cli.captions.deliver import Delivery, check_embeddable, deliver
from nanobanana_cli.captions.embedded import read_embedded
from nanobanana_cli.captions.subject import Subject
from nanobanana_cli.errors import KeyRejected, NbError, OutOfCredit, Unreachable
from nanobanana_cli.models import ContentRequest, Result
from nanobanana_cli.studio import Studio

# What one call met, every further one would meet too. A rejected picture says nothing of others.
_FATAL = (KeyRejected, OutOfCredit, Unreachable)


@dataclass(frozen=True, slots=True)
class _Present:
    """The texts that an image has already, where they are asked for."""

    beside: str | None
    inside: str | None


class Describer:
    """Describes images one by one, on any thread.

    Args:
        studio: makes the calls.
        request: the call, but for the picture.
        delivery: what becomes of each text.
        read_stdin: gives the image's bytes for `-`.
        shared: images whose text file another one of the same run has → that one.
    """

    def __init__(
        self,
        studio: Studio,
        request: ContentRequest,
        delivery: Delivery,
        *,
        read_stdin: Callable[[], bytes],
        shared: dict[str, str],
    ) -> None:
        self._studio = studio
        self._request = request
        self._delivery = delivery
        self._read_stdin = read_stdin
        self._shared = shared
        self._fatal: NbError | None = None

    def describe(self, path: str) -> Result:
        """The result for one image; a failure is a result too."""
        result = Result("failed", self._request, self._studio.endpoint.provider, path=path)
        try:
            if self._fatal is not None:
                raise self._fatal
            if other := self._shared.get(path):
                note = f"{path} shares {sidecar.path_of(path)} with {other}, left alone"
                return replace(result, status="skipped", notes=(note,))
            image = subject.load(path, self._read_stdin)
            return self._described(_with_facts(result, image), image)
        except _FATAL as error:
            self._fatal = error
            return replace(result, error=error)
        except NbError as error:
            return replace(result, error=error)

    def _described(self, result: Result, image: Subject) -> Result:
        delivery = self._delivery
        present = self._present(image)
        missing = replace(
            delivery,
            write=delivery.write and present.beside is None,
            embed=delivery.embed and present.inside is None,
        )
        text = present.beside or present.inside or ""
        if (delivery.write or delivery.embed) and not (missing.write or missing.embed):
            where = str(delivery.text_path(image.path)) if delivery.write else None
            return replace(result, status="skipped", alt=text.strip(), alt_path=where)
        if missing.embed:
            check_embeddable(image.path, image.data, force=delivery.force)
        if not text.strip():
            result = self._studio.text(
                replace(self._request, references=(image.reference(),)), result
            )
            text = result.reply.text if result.reply else ""
        if result.error is not None:
            return result
        result = replace(result, request=self._request, status="unchanged")
        delivered = deliver(result, text, missing)
        ...
        return delivered

    def _present(self, image: Subject) -> _Present: ...


def _with_facts(result: Result, image: Subject) -> Result:
    picture = image.picture
    return replace(
        result,
        mime_type=image.mime_type,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        size=len(image.data),
    )
