from __future__ import annotations

from pathlib import Path

import pytest

from nanobanana_cli.models import Discreet, Endpoint
from nanobanana_cli.sandbox.service import Call
from nanobanana_cli.settings.files import ConfigFile
from nanobanana_cli.settings.keys import Source
from nanobanana_cli.settings.resolve import _Sources

KEY = "sk-very-secret-key-123"
PATH = Path("config.toml")


@pytest.mark.parametrize(
    "record",
    [
        Endpoint("wisgate", "https://wisgate.ai", KEY),
        Source(KEY, "WISDOM_GATE_KEY", "WISDOM_GATE_KEY"),
        ConfigFile(PATH, f'api-key = "{KEY}"', {}, {"wisgate": {"api-key": KEY}}),
        _Sources({}, {"WISDOM_GATE_KEY": KEY}, (), "--"),
        Call("GET", f"/v1beta/models?key={KEY}", {"x-goog-api-key": KEY}),
    ],
)
def test_no_record_shows_the_key_that_it_holds(record: Discreet) -> None:
    assert KEY not in f"{record!r} {record}"
