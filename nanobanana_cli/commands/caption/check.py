"""`nb caption --check` and `--read`: what images have in the way of text, shown."""

from __future__ import annotations

from functools import cache

from nanobanana_cli.captions import audit, embedded
from nanobanana_cli.captions.formats import Caption
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.targets import Images
from nanobanana_cli.commands.results import TextWriter
from nanobanana_cli.errors import BatchIncomplete, Charged, NbError
from nanobanana_cli.ui.terminal import Terminal


def check(images: Images, spec: TextSpec, texts: TextWriter, terminal: Terminal) -> None:
    """Show each problem as `path<TAB>problem`, or each image as a JSON line.

    Raises:
        BatchIncomplete: there is a problem.
    """
    read_stdin = cache(terminal.read)
    bad = 0
    for path in images.paths:
        finding = audit.check(path, spec, read_stdin)
        bad += bool(finding.problems)
        if texts.as_json:
            texts.record(finding.record())
            continue
        for problem in finding.problems:
            texts.problem(path, problem.message)
    total = _counted(len(images.paths))
    if bad:
        raise BatchIncomplete(
            f"{bad} of {total} without good alt text",
            hint="nb caption --write makes what is missing, --write --force makes it anew",
            charged=Charged.NO,
        )
    terminal.note(f"{total}, each with good alt text")


def read(images: Images, spec: TextSpec, texts: TextWriter, terminal: Terminal) -> None:
    """Show the text that is embedded in each image.

    Raises:
        NbError: the only image cannot be read.
        BatchIncomplete: an image cannot be read, or holds no text of that style.
    """
    read_stdin = cache(terminal.read)
    without = 0
    for path in images.paths:
        try:
            found = audit.read(path, read_stdin)
        except NbError as error:
            if images.is_single:
                raise
            without += 1
            terminal.warn(error.message)
            continue
        text = embedded.text_of(found, spec.style)
        without += text is None
        if texts.as_json:
            record = {
                "alt": found.alt,
                "description": found.long,
                "digital_source_type": found.source,
            }
            texts.record({"path": path, **record})
        elif text is not None:
            texts.text(Caption(path, text, *audit.pixels(path, read_stdin)))
        else:
            terminal.warn(f"{path} has no such text in it")
    if without:
        raise BatchIncomplete(
            f"{without} of {_counted(len(images.paths))} without embedded text",
            hint="nb caption --embed puts it in",
            charged=Charged.NO,
        )


def _counted(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
