from __future__ import annotations

from pathlib import Path

import pytest

from nanobanana_cli.sandbox.handler import HttpRequest
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.credentials import KeySource
from nanobanana_cli.settings.resolve import _Sources
from nanobanana_cli.types import Endpoint, Redacted

KEY = "sk-very-secret-key-123"
PATH = Path("config.toml")


@pytest.mark.parametrize(
    "record",
    [
        Endpoint("wisgate", "https://wisgate.ai", KEY),
        KeySource(KEY, "WISDOM_GATE_KEY", "WISDOM_GATE_KEY"),
        ConfigFile(PATH, f'api-key = "{KEY}"', {}, {"wisgate": {"api-key": KEY}}),
        _Sources({}, {"WISDOM_GATE_KEY": KEY}, (), "--"),
        HttpRequest("GET", f"/v1beta/models?key={KEY}", {"x-goog-api-key": KEY}),
    ],
)
def test_no_record_shows_the_key_that_it_holds(record: Redacted) -> None:
    assert KEY not in f"{record!r} {record}"
