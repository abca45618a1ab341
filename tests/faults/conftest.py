"""The scenarios of a module's `ROWS`: each in a few forms, or in all with --long."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NbProcess
from faults.lab import Bench, Row, Scenario

# Beside the first form of a scenario, one of its others, by turns.
_FIRST = "file"


@pytest.fixture
def bench(tmp_path: Path, nb_process: NbProcess) -> Bench:
    return Bench(tmp_path, nb_process)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        rows: tuple[Row, ...] = metafunc.module.ROWS
        is_long = metafunc.config.getoption("--long")
        metafunc.parametrize(("scenario", "form"), list(_chosen(rows, is_long=is_long)))


def _chosen(rows: tuple[Row, ...], *, is_long: bool) -> list[object]:
    chosen: list[object] = []
    number = 0
    for row in rows:
        for scenario in row.scenarios:
            forms = scenario.forms if is_long else _few(scenario, number)
            number += 1
            for form in forms:
                name = f"{row.key}-{scenario.name.replace(' ', '_')}-{form}"
                chosen.append(pytest.param(scenario, form, id=name))
    return chosen


def _few(scenario: Scenario, number: int) -> list[str]:
    usual = _FIRST if _FIRST in scenario.forms else scenario.forms[0]
    first = scenario.always or (usual,)
    rest = [form for form in scenario.forms if form not in first]
    return [*first, *rest[number % len(rest) :][:1]] if rest else [*first]
