"""The tables of `docs/reliability.md`, made from the rows of the test modules."""

from __future__ import annotations

from importlib import import_module

from faults.lab import Row

from nanobanana_cli.errors import Charged

# Module → heading.
GROUPS = {
    "test_before": "Before sending",
    "test_after": "After sending",
    "test_replies": "Replies",
    "test_terminal": "The terminal",
    "test_disk": "The disk",
    "test_limits": "Limits of the system",
    "test_user": "The user and the machine",
}


def rows(module: str) -> tuple[Row, ...]:
    """Return the rows of a test module."""
    found: tuple[Row, ...] = import_module(f"faults.{module}").ROWS
    return found


def tables() -> str:
    """Return a table for each group."""
    lines: list[str] = []
    for module, heading in GROUPS.items():
        lines += [f"### {heading}", "", "| fault | promise | exit | tests |", "|---|---|---|---|"]
        lines += [_line(module, row) for row in rows(module)]
        lines.append("")
    return "\n".join(lines).strip()


def _line(module: str, row: Row) -> str:
    endings = sorted({(each.exit, each.charged) for each in row.scenarios})
    told = "; ".join(
        f"{status}, {Charged(charged).sentence.lower().rstrip('.')}" if charged else str(status)
        for status, charged in endings
    )
    tests = [f"`{module}.py -k {row.key}`"] if row.scenarios else []
    tests += [f"`{name}`" for name in row.elsewhere]
    return f"| {row.fault} | {row.promise} | {told} | {', '.join(tests)} |"
