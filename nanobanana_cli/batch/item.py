"""One image to be: what will be asked for it, and where it goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import msgspec

from nanobanana_cli.batch import paths
from nanobanana_cli.captions import prompts
from nanobanana_cli.types import ContentRequest, ImageFormat, Reference

# Raised when what is hashed changes its form: then every image would be made anew.
_FORM = 1


class RowSettings(msgspec.Struct, frozen=True, gc=False):
    """What is asked besides prompt, system instruction, seed and reference images: the part that
    most rows of a manifest share. Values are as the options of `nb generate` take them."""

    model: str
    aspect: str
    size: str
    format: ImageFormat | None
    thinking: str | None
    search: bool
    temperature: float | None
    alt: bool = False


class Item(msgspec.Struct, frozen=True, gc=False):
    """One image.

    Args:
        row: the row of the manifest that asks for it.
        prompt: what is sent.
        settings: the rest of what is asked.
        images: paths of the reference images, relative to the manifest.
        system, seed: as the options.
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
    system: str | None
    seed: int | None
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
            thinking=self.settings.thinking,
            search=self.settings.search,
            system=self.system,
            temperature=self.settings.temperature,
            seed=self.seed,
        )


def fingerprint(
    origin: str,
    prompt: str,
    settings: RowSettings,
    references: Sequence[tuple[str, str]] = (),
    system: str | None = None,
    seed: int | None = None,
) -> str:
    """SHA-256 of all that is sent, hexadecimal: equal for calls that are equal to the service.

    Args:
        origin: who is asked, so that a sandbox's picture is never taken for the real one.
        prompt, settings, system, seed: as in `Item`; the file's format is not sent.
        references: media type and SHA-256 of each reference image.
    """
    sent = [
        _FORM,
        origin,
        settings.model,
        prompt,
        settings.aspect,
        settings.size,
        references,
        settings.thinking,
        settings.search,
        system,
        settings.temperature,
        seed,
    ]
    if settings.alt:
        # Not the words around the prompt: better ones in a new release are no new image.
        sent.append("alt")
    return hashlib.sha256(json.dumps(sent).encode("ascii")).hexdigest()
