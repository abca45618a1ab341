"""Give tests of pytest a fixture, `nb_sandbox`: the sandbox as the service that their code calls.

pytest imports this module whenever it starts, since the entry point `pytest11` names it, so that
all else is imported once a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest


@dataclass(frozen=True)
class SandboxRequest:
    """A request that came to the sandbox, as its log has it.

    Args:
        time: UTC, ISO 8601.
        method, path: of HTTP; the path without its query.
        status: of the reply; None if none was sent.
        fault: the fault that the reply had.
        model, prompt, aspect, size, modalities: what was asked for; None if that could not be read.
        references: the number of reference images.
        paid: the real service would have charged for it.
    """

    time: str
    method: str
    path: str
    status: int | None
    fault: str | None
    model: str | None
    prompt: str | None
    aspect: str | None
    size: str | None
    modalities: list[str] | None
    references: int | None
    paid: bool


class NbSandbox:
    """A sandbox that serves until it is closed: what the fixture gives, also for wider scopes.

    Attributes:
        url: its address, such as `http://127.0.0.1:43127`.
        key: the key that it demands in `x-goog-api-key`.
    """

    def __init__(self) -> None:
        from tempfile import TemporaryDirectory

        from nanobanana_cli.api.request import ANY_KEY
        from nanobanana_cli.sandbox.server import Sandbox

        self.key = ANY_KEY
        with ExitStack() as stack:
            self._log = Path(stack.enter_context(TemporaryDirectory(prefix="nb-")), "log.jsonl")
            self._server = stack.enter_context(Sandbox(key=self.key, log=self._log))
            self._stack = stack.pop_all()
        self.url = self._server.url

    @property
    def env(self) -> Mapping[str, str]:
        """The variables that send `nb` and Google's own clients to it, and no real key."""
        keys = ("WISDOM_GATE_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY")
        return {
            "NB_PROVIDER": "sandbox",
            "NB_BASE_URL": self.url,
            "GOOGLE_GEMINI_BASE_URL": self.url,
            **dict.fromkeys(keys, self.key),
        }

    @property
    def requests(self) -> list[SandboxRequest]:
        """The requests by now, each there before its reply is sent."""
        import json

        lines = self._log.read_text("utf-8").splitlines()
        return [SandboxRequest(**json.loads(line)) for line in lines]

    def set_faults(self, *faults: str) -> None:
        """Spoil the next calls: `set_faults("429:2", "safety:1")`; without any, spoil none.

        Args:
            faults: as after `nb sandbox --fault`; what was set before is dropped.

        Raises:
            UsageError: one is unknown or malformed, or comes after one without a count.
        """
        self._server.faults.set(faults)

    def close(self) -> None:
        """Cut all connections and free the port."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def nb_sandbox() -> Iterator[NbSandbox]:
    """Serve the protocol of Nano Banana 2 on this machine, free and offline, for one test."""
    with NbSandbox() as sandbox:
        yield sandbox
