"""Whether the text of a new image will have a place, asked before the call is paid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.errors import OutputExists, UsageError
from nanobanana_cli.generation.destinations import Destination, NamedFile, Stdout


def check(outputs: Sequence[Destination], delivery: TextDestination) -> None:
    """Pass outputs whose texts can be put where they should.

    Args:
        outputs: where the images go.
        delivery: what becomes of the texts.

    Raises:
        UsageError: there is no such place, or one for several.
        OutputExists: a text is there already.
        LocalFileError: the folder does not exist or cannot be written to.
    """
    if not delivery.write:
        return
    if delivery.text_file is not None and len(outputs) > 1:
        raise UsageError(
            f"--alt-file {delivery.text_file} is one file, and -n asks for {len(outputs)} texts",
            hint="--alt puts each beside its image",
        )
    for output in outputs:
        if isinstance(output, Stdout) and delivery.text_file is None:
            raise UsageError(
                "--alt writes beside the image, and -o - has no place there",
                hint="name a file for the text: --alt-file fox.alt.txt",
            )
        if isinstance(output, NamedFile):
            path = delivery.text_path(str(output.path))
            if path == output.path:
                raise UsageError(
                    f"{path} would be both image and text", hint="name another --alt-file"
                )
            _check_one(path, force=delivery.force)
        elif delivery.text_file is not None:
            _check_one(delivery.text_file, force=delivery.force)


def _check_one(path: Path, *, force: bool) -> None:
    if not force and files.taken(path):
        raise OutputExists(f"{path} exists already", hint="--force replaces it")
    files.check_output(path)
