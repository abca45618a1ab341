from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from support.replies import made
from support.wire_server import WireServer

from nanobanana_cli.errors import Charged, Interrupted
from nanobanana_cli.generation.destinations import NamedFile
from nanobanana_cli.generation.pool import WorkerPool
from nanobanana_cli.generation.save import save_image
from nanobanana_cli.generation.session import Session
from nanobanana_cli.types import ContentRequest, Endpoint, Result

REQUEST = ContentRequest("fox", "gemini-3.1-flash-image-preview", aspect="1:1", size="1K")


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists()


def test_what_was_saved_before_a_signal_and_not_taken_is_at_hand_after_it() -> None:
    places = [NamedFile(Path(f"{name}.png"), "png") for name in "ab"]
    stop = Interrupted(signal.SIGINT)

    def make(place: NamedFile) -> Result:
        with session.call(REQUEST) as called:
            return save_image(called, place)

    def interrupted() -> None:
        with pool, session:
            next(iter(pool))
            for place in places:
                _wait_for(place.path)
            raise stop

    pool = WorkerPool(make, places, 2)
    with WireServer(made()) as server:
        session = Session(Endpoint("wisgate", server.url, "a-key"), timeout=60, retries=0)
        with pytest.raises(Interrupted):
            interrupted()
    assert session.rescue.charges.total is Charged.MAYBE
    assert {result.path for result in pool} == {"a.png", "b.png"}
