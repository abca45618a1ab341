"""Which terminals show images, and what is written to them, held to the protocols' documents."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.ui.preview import Protocol, protocol, sequence

_XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "wezterm"}, "iterm2"),
        ({**_XTERM, "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({**_XTERM, "TERM_PROGRAM": "iTerm.app", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({**_XTERM, "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({**_XTERM, "LC_TERMINAL": "iTerm2"}, "iterm2"),  # through ssh
        ({**_XTERM, "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({**_XTERM, "KONSOLE_VERSION": "221203"}, "kitty"),
        ({**_XTERM, "KONSOLE_VERSION": "211200"}, None),
        ({**_XTERM, "KONSOLE_VERSION": "²²0400"}, None),
        ({}, None),
        (_XTERM, None),
        ({"TERM": "dumb", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "linux", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "foot", "KONSOLE_VERSION": "221203"}, None),
        ({**_XTERM, "TERM_PROGRAM": "Apple_Terminal"}, None),
        # A terminal that was started from one that shows images.
        ({**_XTERM, "TERM_PROGRAM": "vscode", "LC_TERMINAL": "iTerm2"}, None),
        ({**_XTERM, "VTE_VERSION": "7600", "KITTY_WINDOW_ID": "1"}, None),
        ({**_XTERM, "XTERM_VERSION": "XTerm(379)", "KONSOLE_VERSION": "221203"}, None),
        ({"TERM": "xterm-kitty", "VTE_VERSION": "7600"}, "kitty"),
        # Something between nb and the terminal.
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, None),
        ({"TERM": "screen.xterm-256color", "LC_TERMINAL": "iTerm2"}, None),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, None),
        ({**_XTERM, "STY": "1.pts-0.host", "TERM_PROGRAM": "WezTerm"}, None),
        ({"TERM": "xterm-kitty", "ZELLIJ": "0"}, None),
        ({**_XTERM, "NVIM": "/run/nvim", "TERM_PROGRAM": "WezTerm"}, None),
    ],
)
def test_only_a_terminal_that_says_so_shows_images(
    env: dict[str, str], expected: Protocol | None
) -> None:
    assert protocol(env) == expected


@given(data=st.binary(min_size=1, max_size=20_000))
def test_kitty_gets_chunks(data: bytes) -> None:
    """Control data with the format in the first alone, at most 4096 bytes each, m=0 at the end."""
    shown = sequence(data, "kitty")
    parts = re.findall("\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\\\", shown)
    assert "".join(f"\x1b_G{keys};{chunk}\x1b\\" for keys, chunk in parts) == shown
    more = [*["1"] * (len(parts) - 1), "0"]
    assert [keys for keys, _ in parts] == [
        f"{'' if number else 'a=T,f=100,'}q=2,m={m}" for number, m in enumerate(more)
    ]
    assert all(len(chunk) == 4096 for _, chunk in parts[:-1])
    assert 0 < len(parts[-1][1]) <= 4096
    assert base64.b64decode("".join(chunk for _, chunk in parts), validate=True) == data


@given(data=st.binary(min_size=1, max_size=20_000))
def test_iterm2_gets_a_file(data: bytes) -> None:
    shown = sequence(data, "iterm2")
    found = re.fullmatch("\x1b\\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07", shown)
    assert found is not None
    arguments = dict(each.split("=") for each in found[1].split(";"))
    assert arguments == {"inline": "1", "size": str(len(data)), "preserveAspectRatio": "1"}
    assert base64.b64decode(found[2], validate=True) == data
