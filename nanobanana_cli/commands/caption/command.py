"""`nb caption`: a prompt → an image and its text; existing images → their texts."""

from __future__ import annotations

from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.signature import takes
from nanobanana_cli.ui.terminal import Terminal


@takes(CaptionOptions)
def command(options: CaptionOptions, terminal: Terminal) -> None:
    """Make an image with its alt text, or alt text for existing images.

    Texts go to stdout: alone for one image, after its path and a TAB for several. A prompt makes an
    image too, as nb generate does; existing images are only modified with --embed.

    Examples:
      ALT=$(nb caption "a red fox" -o hero.png)
      nb caption hero.png --style long --lang de
      nb caption -r img/ --write   # img/fox.alt.txt beside img/fox.png
      nb caption hero.png --text "A red fox in snow." --write --embed   # your words, free
      nb caption -r img/ --check   # exit 3 if one lacks alt text; needs no key
      nb caption --pages content/ --root static   # a diff that adds alt text; --apply writes it
    """
    from nanobanana_cli.commands.caption import run

    run.run(options, terminal)
