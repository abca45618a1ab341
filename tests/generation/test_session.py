from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from support.replies import made
from support.wire_server import WireServer

from nanobanana_cli.api.client import Listener
from nanobanana_cli.errors import Charged, Interrupted
from nanobanana_cli.generation.destinations import NamedFile
from nanobanana_cli.generation.session import Session
from nanobanana_cli.types import ContentRequest, Endpoint

REQUEST = ContentRequest("fox", "gemini-3.1-flash-image-preview", aspect="1:1", size="1K")


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists()


def test_what_was_saved_before_a_signal_and_not_taken_is_at_hand_after_it() -> None:
    outputs = [NamedFile(Path(f"{name}.png"), "png") for name in "ab"]
    listener = Listener(trace=lambda _: None, note=lambda _: None)
    stop = Interrupted(signal.SIGINT, charged=Charged.NO)

    def interrupted(session: Session) -> None:
        with session:
            next(session.pictures(REQUEST, outputs))
            for output in outputs:
                _wait_for(output.path)
            raise stop

    with WireServer(made()) as server:
        endpoint = Endpoint("wisgate", server.url, "a-key")
        session = Session(endpoint, timeout=60, retries=0, listener=listener, digest=False)
        with pytest.raises(Interrupted):
            interrupted(session)
    assert stop.charged is Charged.MAYBE
    assert {result.path for result in session.rest()} == {"a.png", "b.png"}
