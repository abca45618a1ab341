"""Ledgers as earlier versions wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nanobanana_cli.batch.form_1 import fingerprint
from nanobanana_cli.types import Parameters


def as_form_1(name: str, prompt: str) -> None:
    """Write a ledger as it was before lines had a form."""
    shape = "gemini-3.1-flash-image-preview", "1:1", "1K"
    print_ = fingerprint("wisgate on this machine", prompt, shape, Parameters())
    lines: list[dict[str, Any]] = []
    for text in Path(name).read_text().splitlines():
        line = json.loads(text)
        for key in ("form", "asked", "shown", "root"):
            line.pop(key, None)
        if line["event"] != "received":
            lines.append({**line, "fingerprint": print_})
    Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))
