"""Whether `nb` could work as it is set up: key, permissions, model, address.

Asks the service only what is free: the list of its models.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec

from nanobanana_cli.catalog import MODELS, PROVIDERS
from nanobanana_cli.errors import KeyRejected, NbError, OutcomeUnknown, Unreachable
from nanobanana_cli.settings import Settings, endpoint
from nanobanana_cli.settings.credentials import source
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import Endpoint

State = Literal["ok", "warning", "failed"]

_LONGEST_WAIT = 15.0


class Check(msgspec.Struct, frozen=True):
    """One line of the report.

    Args:
        about: `key`, `permissions`, `model` or `address`.
        error: what failed, with its exit status; None unless the state is `failed`.
    """

    state: State
    about: str
    message: str
    hint: str | None = None
    error: NbError | None = None


def failed(about: str, error: NbError) -> Check:
    """The line for an error."""
    return Check("failed", about, error.message, error.hint, error)


def run(settings: Settings, env: Mapping[str, str]) -> Iterator[Check]:
    """Look at everything, one finding after the other; the network comes last.

    Args:
        settings: with an address; that of the embedded sandbox has to be filled in before.
    """
    target = endpoint(settings, env, need_key=False)
    try:
        target = endpoint(settings, env)
        yield _key(target)
    except NbError as error:
        yield failed("key", error)
    yield from _permissions(settings, env)
    yield _model(settings.model)
    yield from _service(settings, target)


def _key(target: Endpoint) -> Check:
    if target.key is None:
        return Check("ok", "key", f"{target.provider} needs none")
    return Check("ok", "key", f"for {target.provider}, from {target.key_origin}")


def _permissions(settings: Settings, env: Mapping[str, str]) -> Iterator[Check]:
    """A line for each file that holds a key."""
    holders = []
    if any("api-key" in entries for entries in settings.user.guarded.values()):
        holders.append(settings.user.path)
    found = source(PROVIDERS[settings.provider], env, settings.user)
    if found and found.file:
        holders.append(found.file)
    for path in holders:
        yield _permission(path)


def _permission(path: Path) -> Check:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Check("warning", "permissions", f"of {path} are unknown: {error.strerror}")
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        return Check(
            "warning",
            "permissions",
            f"{path} holds a key and is open to others ({stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}",
        )
    return Check("ok", "permissions", f"{path} is its owner's alone")


def _model(model: str) -> Check:
    if model in MODELS:
        return Check("ok", "model", f"{model}, {MODELS[model].title}")
    return Check(
        "warning",
        "model",
        f"{model} is not in the catalog: its ratios and sizes are not checked",
        one_of(model, MODELS, "see `nb models`"),
    )


def _service(settings: Settings, target: Endpoint) -> Iterator[Check]:
    """Whether anybody answers, and what that says of the key."""
    from nanobanana_cli.api.transport import Transport

    reachable = Check("ok", "address", f"{settings.base_url} answers")
    try:
        timeout = min(settings.timeout, _LONGEST_WAIT)
        with closing(Transport(target, timeout=timeout)) as transport:
            body = bytes(transport.get("/v1beta/models"))
    except (Unreachable, OutcomeUnknown) as error:
        yield failed("address", Unreachable(error.message))
    except KeyRejected as error:
        yield reachable
        if target.key is not None:
            yield failed("key", error)
    except NbError as error:
        yield reachable
        yield from _untold(target, error.message)
    else:
        yield reachable
        if not _lists_models(body):
            yield from _untold(target, "it does not list its models")
        elif target.key is not None:
            yield Check("ok", "key", f"{target.provider} accepts it")


def _untold(target: Endpoint, reason: str) -> Iterator[Check]:
    if target.key is not None:
        yield Check("warning", "key", f"whether it works cannot be told without paying: {reason}")


def _lists_models(body: bytes) -> bool:
    """Whether this is the API speaking; a website answers any path with a page."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(reply, dict) and isinstance(reply.get("models"), list)
