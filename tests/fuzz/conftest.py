"""Say at the end how many inputs were tried."""

from __future__ import annotations

import re

import pytest

_TRIED = re.compile(r"(\d+) passing, (\d+) failing")
_counts: dict[str, int] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item: pytest.Item):  # type: ignore[no-untyped-def]
    yield
    statistics = getattr(item, "hypothesis_statistics", "")
    _counts[item.nodeid] = sum(sum(map(int, pair)) for pair in _TRIED.findall(statistics))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sum: what was found invalid before a test's assertions is not in it."""
    for name, count in sorted(_counts.items()):
        terminalreporter.write_line(f"{count:>9,} inputs: {name}")
    terminalreporter.write_line(f"{sum(_counts.values()):>9,} inputs in all")
