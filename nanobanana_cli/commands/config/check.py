"""Check key, permissions, model and address; request only what is free."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from nanobanana_cli.api.error_hints import of_model
from nanobanana_cli.catalog import MODELS, PROVIDERS, state_of
from nanobanana_cli.errors import KeyRejected, NbError, OutcomeUnknown, Unreachable
from nanobanana_cli.settings import Settings, endpoint
from nanobanana_cli.settings.credentials import source
from nanobanana_cli.settings.edit import SettingName
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import Endpoint

State = Literal["ok", "warning", "failed"]

_LONGEST_WAIT = 15.0


class CheckLine(msgspec.Struct, frozen=True):
    """One line of `nb config check`.

    Args:
        about: settings, key, permissions, model, address or balance.
        message: what was found, for people.
        hint: what to do about it.
    """

    state: State
    about: str
    message: str
    hint: str | None = None


class Check(CheckLine, frozen=True):
    """A line, and the error if the state is `failed`."""

    error: NbError | None = None


def failed(about: str, error: NbError) -> Check:
    """Return the line for an error."""
    return Check("failed", about, error.message, error.hint, error)


def run(settings: Settings, env: Mapping[str, str], *, balance: bool = False) -> Iterator[Check]:
    """Check everything, the network last.

    Args:
        settings: with an address, also for the embedded sandbox.
        balance: also ask for the account's balance.
    """
    target = endpoint(settings, env, need_key=False)
    try:
        target = endpoint(settings, env)
        yield _key(target)
    except NbError as error:
        yield failed("key", error)
    yield from _permissions(settings, env)
    yield _model(settings)
    yield from _service(settings, target, balance=balance)
    if balance:
        yield _balance(settings, target)


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
        return Check(
            "warning", "permissions", f"cannot read the permissions of {path}: {error.strerror}"
        )
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        return Check(
            "warning",
            "permissions",
            f"{path} holds a key and is accessible to others ({stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}",
        )
    return Check("ok", "permissions", f"only its owner can access {path}")


def _model(settings: Settings) -> Check:
    model = settings.model
    is_default = model == PROVIDERS[settings.provider].default_model
    if not is_default and (why := state_of(model)):
        return Check("warning", "model", why)
    if model in MODELS:
        return Check("ok", "model", f"{model}, {MODELS[model].title}")
    return Check(
        "warning",
        "model",
        f"{model} is not in the catalog; its ratios and sizes are not checked",
        one_of(model, MODELS, "see `nb models`"),
    )


def _service(settings: Settings, target: Endpoint, *, balance: bool) -> Iterator[Check]:
    """Check that the address answers, accepts the key, and lists the model.

    Args:
        settings, target: what is called.
        balance: the balance is asked for later, and tells whether the key is accepted.
    """
    from nanobanana_cli.api import model_list
    from nanobanana_cli.api.request import is_vertex
    from nanobanana_cli.api.transport import Transport

    if is_vertex(settings.base_url):
        reason = model_list.NOT_OF_VERTEX
        yield Check("warning", "address", f"{settings.base_url} was not asked: {reason}")
        yield from _unverified(settings, target, reason, balance=balance)
        return
    reachable = Check("ok", "address", f"{settings.base_url} answers")
    try:
        with closing(Transport(target, timeout=_timeout(settings))) as transport:
            listed = model_list.fetch(transport)
    except (Unreachable, OutcomeUnknown) as error:
        hint = error.hint if isinstance(error, Unreachable) else None
        yield failed("address", Unreachable(error.message, hint=hint))
    except KeyRejected as error:
        yield reachable
        if target.key is not None:
            yield failed("key", error)
    except NbError as error:
        yield reachable
        yield from _unverified(settings, target, error.message, balance=balance)
    else:
        yield reachable
        if listed is None:
            reason = "the service does not list its models"
            yield from _unverified(settings, target, reason, balance=balance)
            return
        if target.key is not None:
            yield Check("ok", "key", f"{target.provider} accepts it")
        if settings.model not in listed:
            what = f"{target.provider} does not list {settings.model} among its {len(listed)}"
            yield Check("warning", "model", what, of_model(settings.model))


def _unverified(
    settings: Settings, target: Endpoint, reason: str, *, balance: bool
) -> Iterator[Check]:
    if target.key is None or (balance and _has_balance(settings)):
        return
    message = f"cannot be verified without a paid call: {reason}"
    if PROVIDERS[settings.provider].account_url:
        where = "" if _has_balance(settings) else f", at {settings.provider}'s own base URL alone"
        message = f"not verified: {reason}; `nb config check --balance` asks the balance{where}"
    yield Check("warning", "key", message)


def _has_balance(settings: Settings) -> bool:
    """Return whether the provider tells a balance, and its key is meant for its own address.

    A key that is sent to an address of the user's own may be that address's, so it is not for the
    provider to see.
    """
    account = PROVIDERS[settings.provider].account_url
    return bool(account) and settings.base_url in (
        account,
        PROVIDERS[settings.provider].base_url,
    )


def _balance(settings: Settings, target: Endpoint) -> Check:
    """Ask for the balance; whatever fails is a warning, since it says nothing of images."""
    if not _has_balance(settings):
        own = [each.base_url for each in PROVIDERS.values() if each.account_url]
        return Check("warning", "balance", f"only {' and '.join(own)} tells one; nothing was sent")
    if target.key is None:
        return Check("warning", "balance", "not asked for without a key")
    from nanobanana_cli.api import balance
    from nanobanana_cli.api.transport import Transport

    # Without the headers, which are for the address in force alone.
    account = replace(target, base_url=PROVIDERS[settings.provider].account_url, headers={})
    try:
        with closing(Transport(account, timeout=_timeout(settings))) as transport:
            found = balance.fetch(transport)
    except NbError as error:
        return Check("warning", "balance", f"{target.provider} did not tell it: {error.message}")
    parts = [
        *([] if found.available is None else [f"balance ${found.available:.2f}"]),
        *([] if found.of_key is None else [f"${found.of_key:.2f} of it for this key"]),
    ]
    message = f"key accepted, {', '.join(parts)}; a model may still be refused"
    return Check("ok", "balance", message)


def _timeout(settings: Settings) -> float:
    return min(settings.timeout or _LONGEST_WAIT, _LONGEST_WAIT)
