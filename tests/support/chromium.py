"""Pages in real Chromium."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from support import tools

_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


def run_in(page: Path, script: str, *, scripts: tuple[Path, ...] = ()) -> Any:
    """What a script, an async function's body, returns on a page.

    The page's own policy would not let it run, so it runs on a copy without one.

    Args:
        page: the page.
        script: ends with `return` and something that JSON can hold.
        scripts: libraries to load first.
    """
    copy = page.with_suffix(".copy.html")
    libraries = "".join(f"<script>{path.read_text('utf-8')}</script>" for path in scripts)
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
    copy.write_text(
        f"{text}{libraries}<script>(async () => {{ {script} }})().then((result) => {{"
        "const box = document.createElement('pre'); box.id = 'result';"
        "box.textContent = JSON.stringify(result); document.body.replaceChildren(box);"
        "})</script>"
    )
    dom = _run("--virtual-time-budget=20000", "--dump-dom", copy.as_uri())
    found = re.search(r'<pre id="result">(.*)</pre>', dom.decode(), re.DOTALL)
    assert found, "the script did not end"
    return json.loads(html.unescape(found[1]))


def dom(page: Path) -> str:
    """The page as it stands after its own scripts have run, under its own policy."""
    return _run("--virtual-time-budget=5000", "--dump-dom", page.as_uri()).decode()


def screenshot(page: Path, width: int, height: int) -> bytes:
    """A PNG of the page at this size."""
    target = page.with_suffix(".png")
    _run(f"--screenshot={target}", f"--window-size={width},{height}", page.as_uri())
    return target.read_bytes()


def _run(*arguments: str) -> bytes:
    command = [tools.require("chromium"), *_OPTIONS, *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
