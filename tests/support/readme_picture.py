"""The picture of the README: a session in a real terminal, as SVG.

python tests/support/docs.py

writes it with the rest of the documentation.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from html import escape
from pathlib import Path

from support.tmux import Tmux

PICTURE = Path(__file__).parents[2] / "docs" / "terminal.svg"

_COLUMNS = 80
_SESSION = (
    'nb generate "a red fox" --aspect 16:9 --size 2K -o fox.png',
    "nb caption fox.png",
    'nb generate "a red fox" -o fox.png',
    'nb generate "a red fox" -n 3 --max-cost 0.10 --provider wisgate',
)
# Figures that differ from run to run and from machine to machine, and what stands for them.
_STEADY = ((r"\b\d+\.\d s\b", "0.4 s"), (r"\b\d+\.\d [kM]B\b", "0.2 MB"))
# GitHub shows pictures without scripts, and fetches no fonts.
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FORMAT = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{width}} {{height}}" role="img">
<title>{escape("nb in a terminal")}</title>
<style>
.{{unique_id}}-matrix {{{{
font-family: {_FONTS}; font-size: {{char_height}}px; line-height: {{line_height}}px;
}}}}
.{{unique_id}}-title {{{{ font: bold 18px sans-serif; }}}}
{{styles}}
</style>
<defs>
<clipPath id="{{unique_id}}-clip-terminal">
<rect width="{{terminal_width}}" height="{{terminal_height}}"/>
</clipPath>
{{lines}}
</defs>
{{chrome}}
<g transform="translate({{terminal_x}}, {{terminal_y}})"
  clip-path="url(#{{unique_id}}-clip-terminal)">
{{backgrounds}}
<g class="{{unique_id}}-matrix">
{{matrix}}
</g>
</g>
</svg>
"""


def screen() -> list[str]:
    """What the terminal shows after the session: lines with the codes of their colours."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work, home = Path(folder, "work"), Path(folder, "home")
        work.mkdir()
        home.mkdir()
        env = {"NB_PROVIDER": "sandbox", "HOME": str(home), "PATH": os.environ["PATH"]}
        with contextlib.chdir(work), Tmux(Path(folder), _COLUMNS, env, prompt="$") as shell:
            for number, command in enumerate(_SESSION, 1):
                shell.type("-l", command)
                shell.type("Enter")
                shell.until("\n$", number)
            lines = shell.screen(styled=True)
    return lines[:-1]


def drawn(lines: list[str]) -> str:
    """The picture of a screen."""
    from rich.console import Console
    from rich.text import Text

    text = "\n".join(lines)
    for varies, stands in _STEADY:
        text = re.sub(varies, stands, text)
    console = Console(
        record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False
    )
    console.print(Text.from_ansi(text), soft_wrap=True)
    svg = console.export_svg(title="nb", code_format=_FORMAT, unique_id="nb")
    # Coordinates such as 342.79999999999995; an amount has no more than six places.
    svg = re.sub(r"\d+\.\d{7,}", lambda figure: f"{float(figure[0]):.1f}", svg)
    return re.sub(r" +$", "", svg, flags=re.MULTILINE)


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(drawn(screen()), "utf-8")
