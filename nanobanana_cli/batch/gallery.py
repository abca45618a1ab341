"""stub"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nanobanana_cli.batch.plan import Step
from nanobanana_cli.models import Result


@dataclass(frozen=True, slots=True)
class Entry:
    step: Step
    result: Result | None


def write(path: Path, title: str, root: Path, entries: Iterable[Entry]) -> None:
    pass
