"""One image to be: what will be asked for it, and where it goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import msgspec

from nanobanana_cli.batch import paths
from nanobanana_cli.captions import prompts
from nanobanana_cli.types import ContentRequest, ImageFormat, Parameters, Reference

# Raised when what is hashed changes its form: then every image would be made anew.
_FORM = 1
_NEWER = Parameters.__struct_fields__[5:]


class RowSettings(msgspec.Struct, frozen=True, gc=False):
    """What most rows of a manifest share; values as the options of `nb generate` take them."""

    model: str
    aspect: str
    size: str
    format: ImageFormat | None
    alt: bool = False


class Item(msgspec.Struct, frozen=True, gc=False):
    """One image.

    Args:
        row: the row of the manifest that asks for it.
        prompt: what is sent.
        settings: model, ratio, size and the like.
        images: paths of the reference images, relative to the manifest.
        parameters: the rest of what is asked.
        fingerprint: SHA-256 of all that is sent, hexadecimal.
        target: where it goes: a path below the output folder, with `/`; a name that ends in `.*`
            takes the suffix that fits what comes.
        plain: the target that the prompt alone makes; None when the row names its file.
        named_alt_file: where the row has its alt text go, as `target`.
    """

    row: int
    prompt: str
    settings: RowSettings
    images: tuple[str, ...]
    parameters: Parameters
    fingerprint: str
    target: str
    plain: str | None = None
    named_alt_file: str | None = None

    @property
    def alt_file(self) -> str | None:
        """Where its alt text goes, as `target`; None when there is to be none."""
        if not self.settings.alt:
            return None
        return self.named_alt_file or paths.alt_file(self.target)

    def request(self, references: Sequence[Reference]) -> ContentRequest:
        """The call that makes it.

        Args:
            references: the content of `images`, in order.
        """
        with_text = self.settings.alt
        return ContentRequest(
            prompt=self.prompt,
            framed=prompts.for_generation(self.prompt, prompts.TextSpec()) if with_text else None,
            modalities=("TEXT", "IMAGE") if with_text else ("IMAGE",),
            model=self.settings.model,
            aspect=self.settings.aspect,
            size=self.settings.size,
            references=tuple(references),
            parameters=self.parameters,
        )


def fingerprint(
    origin: str,
    prompt: str,
    settings: RowSettings,
    parameters: Parameters,
    references: Sequence[tuple[str, str]] = (),
) -> str:
    """SHA-256 of all that is sent, hexadecimal: equal for calls that are equal to the service.

    Args:
        origin: who is asked, so that a sandbox's picture is never taken for the real one.
        prompt, settings, parameters: as in `Item`; the file's format is not sent.
        references: media type and SHA-256 of each reference image.
    """
    sent: list[object] = [
        _FORM,
        origin,
        settings.model,
        prompt,
        settings.aspect,
        settings.size,
        references,
        parameters.thinking,
        bool(parameters.search),
        parameters.system or None,
        parameters.temperature,
        parameters.seed,
    ]
    # A parameter that is newer than the ledgers counts only where it is given.
    newer = ((name, getattr(parameters, name)) for name in _NEWER)
    sent.extend(pair for pair in newer if pair[1] is not None)
    if settings.alt:
        # Not the words around the prompt: better ones in a new release are no new image.
        sent.append("alt")
    return hashlib.sha256(json.dumps(sent).encode("ascii")).hexdigest()
