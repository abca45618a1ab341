"""Take images and texts out of saved replies, without a call."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nanobanana_cli.api import reply as replies
from nanobanana_cli.errors import (
    BadReply,
    Charged,
    NbError,
    NoImage,
    OutcomeUnknown,
    Unavailable,
)
from nanobanana_cli.generation.destinations import Destination
from nanobanana_cli.generation.save import save_every_image, save_image
from nanobanana_cli.types import ContentRequest, Data, Reply, Result

if TYPE_CHECKING:
    from nanobanana_cli.api.links import LinkFetcher

# Neither what was asked nor who answered stands in a reply.
_UNKNOWN = Result("failed", ContentRequest(prompt="", model=""), provider="", cost=0)

_WHOLE = "extract takes a whole reply, as `curl … > response.json` saves it"


def extract(
    name: str,
    body: Data,
    destination: Destination,
    *,
    every: bool = False,
    with_text: bool = False,
    links: LinkFetcher | None = None,
) -> list[Result]:
    """Save the image of a reply, and return its text too.

    Args:
        name: the reply's file, for messages and results.
        body: its bytes.
        destination: where the image goes.
        every: save every finished image, not the last alone.
        with_text: a text alone is a result too.
        links: fetches images that are links; None fetches none.

    Returns:
        The results: `written`; `failed` with the error, which says that nothing was charged; or
        `unchanged` for a text without an image.
    """
    try:
        reply = _read(name, body, every, links)
    except NbError as error:
        if with_text and isinstance(error, NoImage | BadReply) and (text := _text(body)):
            return [replace(_UNKNOWN, status="unchanged", reply=Reply(None, text))]
        return [failed(name, error)]
    save = save_every_image if every else _save_last
    notes: tuple[str, ...] = ()
    if reply.links:
        from nanobanana_cli.api.links import host_of

        notes = (f"the image was fetched from {host_of(reply.links[-1])}",)
    results = save(replace(_UNKNOWN, reply=reply, notes=notes), destination)
    return [each if each.error is None else failed(name, each.error, each) for each in results]


def failed(name: str, error: NbError, about: Result = _UNKNOWN) -> Result:
    """Return the result of a reply without a usable image."""
    if isinstance(error, Unavailable | OutcomeUnknown):
        # The service may be worth another call; its answer stays what it is.
        error = BadReply(f"the reply is an error: {error.message}")
    error.charged = Charged.NO
    if error.hint == BadReply.hint:
        error.hint = _WHOLE
    return replace(about, status="failed", path=name, error=error.released())


def skipped(path: str) -> Result:
    """Return the result of a reply whose image is there already."""
    return replace(_UNKNOWN, status="skipped", path=path)


def _save_last(result: Result, destination: Destination) -> list[Result]:
    return [save_image(result, destination)]


def _read(name: str, body: Data, every: bool, links: LinkFetcher | None) -> Reply:
    """Return a reply with an image.

    Raises:
        NoImage, BadReply: it has none.
    """
    command = f"nb extract {{}} {shlex.quote(name)}"
    try:
        reply = replace(replies.read(body, want=("IMAGE",), takes_drafts=True), body=body)
    except NoImage as error:
        error.hint = f"it has a text: {command.format('--text')}" if _text(body) else ""
        raise
    except BadReply as error:
        error.hint = _WHOLE
        raise
    if not reply.links:
        return reply
    if links is None:
        raise BadReply(
            f"the image is a link: {' '.join(reply.links)}",
            hint=f"fetch it: {command.format('--fetch')}",
        )
    try:
        linked = tuple(map(links.fetch, reply.links if every else reply.links[-1:]))
    except BadReply as error:
        error.hint = "open the address in a browser"
        raise
    return replace(reply, image=linked[-1], linked=linked)


def _text(body: Data) -> str:
    try:
        return replies.read(body, want=("TEXT",)).text
    except NbError:
        return ""
