"""`nb completion`."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Nb

from nanobanana_cli.completion import FILES

_FOLDER = Path(__file__).parents[2] / "completions"


@pytest.mark.parametrize("shell", FILES)
def test_it_prints_the_script(nb: Nb, shell: str) -> None:
    run = nb("completion", shell)
    assert (run.code, run.err) == (0, "")
    assert run.raw == (_FOLDER / FILES[shell]).read_bytes()


def test_a_misspelt_shell_is_told_the_nearest(nb: Nb) -> None:
    run = nb("completion", "fsh")
    assert (run.code, run.out) == (2, "")
    assert "fsh is not a shell" in run.err
    assert "did you mean fish?" in run.err


def test_without_a_shell_it_tells_where_each_looks(nb: Nb) -> None:
    run = nb("completion")
    assert (run.code, run.out) == (2, "")
    for shell in FILES:
        assert f"hint: nb completion {shell} " in run.err
