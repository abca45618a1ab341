"""From settings to an endpoint that answers: the real one, or the sandbox started for this run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nanobanana_cli import settings as settings_room
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import Endpoint


def is_embedded(settings: Settings) -> bool:
    """Whether the sandbox of this very process is meant."""
    return settings.provider == "sandbox" and not settings.base_url


@contextmanager
def opened(settings: Settings, env: Mapping[str, str]) -> Iterator[Endpoint]:
    """The endpoint with its key; an embedded sandbox serves until the block ends.

    Raises:
        KeyRejected: there is no key for the provider.
        ConfigError: the file that should hold it cannot be read.
    """
    if not is_embedded(settings):
        yield settings_room.endpoint(settings, env)
        return
    from nanobanana_cli.sandbox.server import Sandbox

    with Sandbox() as sandbox:
        yield Endpoint(provider="sandbox", base_url=sandbox.url)
