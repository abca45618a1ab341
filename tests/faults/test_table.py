"""`docs/reliability.md` has each row, and each row its tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import table
from support import docs

_FOLDER = Path(__file__).parent


def test_the_page_is_up_to_date() -> None:
    page = docs.RELIABILITY.read_text("utf-8")
    assert docs.with_promises(page) == page, f"run: {docs.COMMAND}"


def test_every_module_of_rows_is_in_the_table() -> None:
    modules = {path.stem for path in _FOLDER.glob("test_*.py")}
    assert modules == {*table.GROUPS, "test_table"}


@pytest.mark.parametrize("module", table.GROUPS)
def test_every_row_has_tests_of_its_own(module: str) -> None:
    rows = table.rows(module)
    keys = [row.key for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        names = [scenario.name for scenario in row.scenarios]
        assert names or row.elsewhere, row.key
        assert len(set(names)) == len(names), row.key
        for name in row.elsewhere:
            path, _, function = name.partition("::")
            assert f"def {function}(" in (docs.ROOT / "tests" / path).read_text("utf-8"), name
