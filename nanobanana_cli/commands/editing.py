"""Define the options of what is done to an image before it is saved."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

from typing import Annotated

import msgspec
from typer import Option


class Edit(msgspec.Struct, frozen=True):
    """Options that change an image before it is saved."""

    panel = "Picture"

    fit: Annotated[
        list[str] | None,
        Option(
            "--fit",
            metavar="WxH",
            help="Deliver exactly so many pixels, such as 1200x630, cut out of the least ratio and "
            "size that need no enlarging; repeatable, all from one image. In place of -a and -s.",
        ),
    ] = None
    transparent: Annotated[
        bool,
        Option(
            "--transparent",
            help="Make the background transparent: PNG, or WebP if named so. The original is kept "
            "beside it, as fox.original.jpg.",
        ),
    ] = False
