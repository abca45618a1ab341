"""Check key, permissions, model and address; request only the free list of models."""

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
from nanobanana_cli.settings.edit import SettingName
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import Endpoint

State = Literal["ok", "warning", "failed"]

_LONGEST_WAIT = 15.0


class Check(msgspec.Struct, frozen=True):
    """One line of `nb config check`.

    Args:
        about: `key`, `permissions`, `model` or `address`.
        error: the error if the state is `failed`.
    """

    state: State
    about: str
    message: str
    hint: str | None = None
    error: NbError | None = None


def failed(about: str, error: NbError) -> Check:
    """Return the line for an error."""
    return Check("failed", about, error.message, error.hint, error)


def run(settings: Settings, env: Mapping[str, str]) -> Iterator[Check]:
    """Check everything, the network last.

    Args:
        settings: with an address, also for the embedded sandbox.
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
        return Check("ok", "key", f"{target.provider} needs no key")
    return Check("ok", "key", f"for {target.provider}, from {target.key_origin}")


def _permissions(settings: Settings, env: Mapping[str, str]) -> Iterator[Check]:
    """Check each file that holds a key."""
    holders = []
    if any(SettingName(entry).is_secret for own in settings.user.guarded.values() for entry in own):
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
        return Check("warning", "permissions", f"cannot read those of {path}: {error.strerror}")
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        return Check(
            "warning",
            "permissions",
            f"{path} holds a key and is accessible to others ({stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}",
        )
    return Check("ok", "permissions", f"only its owner can access {path}")


def _model(model: str) -> Check:
    if model in MODELS:
        return Check("ok", "model", f"{model}, {MODELS[model].title}")
    return Check(
        "warning",
        "model",
        f"{model} is not in the catalog; its ratios and sizes are not checked",
        one_of(model, MODELS, "see `nb models`"),
    )


def _service(settings: Settings, target: Endpoint) -> Iterator[Check]:
    """Check that the address answers, and that it accepts the key."""
    from nanobanana_cli.api.transport import Transport

    reachable = Check("ok", "address", f"{settings.base_url} answers")
    try:
        timeout = min(settings.timeout or _LONGEST_WAIT, _LONGEST_WAIT)
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
        yield from _unverified(target, error.message)
    else:
        yield reachable
        if not _lists_models(body):
            yield from _unverified(target, "the service does not list its models")
        elif target.key is not None:
            yield Check("ok", "key", f"{target.provider} accepts it")


def _unverified(target: Endpoint, reason: str) -> Iterator[Check]:
    if target.key is not None:
        yield Check("warning", "key", f"cannot be verified without a paid call: {reason}")


def _lists_models(body: bytes) -> bool:
    """Return whether the reply is the API's; a website answers any path with a page."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(reply, dict) and isinstance(reply.get("models"), list)
