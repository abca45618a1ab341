"""`nb models --check`: compare the catalog with the models that a provider lists."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Literal

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.api.error_hints import of_model
from nanobanana_cli.commands import connection
from nanobanana_cli.commands.results import step_summary
from nanobanana_cli.errors import BatchIncomplete, Charged, KeyRejected, NbError, Unreachable
from nanobanana_cli.settings import Settings, current_folder, load
from nanobanana_cli.types import Endpoint
from nanobanana_cli.ui.terminal import Terminal

_Listing = Literal["listed", "missing", "new"]
_LONGEST_WAIT = 30.0
# What distinguishes a model that makes images from the rest of a provider's list.
_IMAGE_MODEL = ("image", "banana")


class ModelCheckLine(msgspec.Struct, frozen=True):
    """The answer of a provider for one model: listed or not.

    Args:
        id: the model's id.
        check: new for a model that nb does not know.
        provider: the one that was asked.
    """

    id: str
    check: _Listing
    provider: str


def run(terminal: Terminal, options: Mapping[str, str | None], *, as_json: bool) -> None:
    """Print each model of the catalog as listed or missing, and unknown image models as new.

    Raises:
        KeyRejected, Unreachable: the provider refuses, or does not answer.
        BatchIncomplete: the model in force is missing.
    """
    settings = load(terminal.env, current_folder(), options)
    with connection.endpoint(settings, terminal.env) as endpoint:
        listed = _listed(settings, endpoint, terminal)
    if listed is None:
        return
    found = set(listed)
    rows: list[tuple[_Listing, str]] = [
        ("listed" if model in found else "missing", model) for model in catalog.MODELS
    ]
    rows += [
        ("new", model)
        for model in listed
        if model not in catalog.MODELS and any(part in model for part in _IMAGE_MODEL)
    ]
    for state, model in rows:
        if as_json:
            terminal.json(ModelCheckLine(model, state, settings.provider))
        else:
            terminal.result(f"{state:<8} {model}")
    title = f"nb models --provider {settings.provider} --check"
    step_summary(terminal, title, f"{len(rows)} models", ("State", "Model"), rows)
    if settings.model not in found:
        raise BatchIncomplete(
            f"{settings.provider} does not list {settings.model}",
            hint=of_model(settings.model),
            charged=Charged.NO,
        )


def _listed(settings: Settings, endpoint: Endpoint, terminal: Terminal) -> list[str] | None:
    """Return the provider's models, None with a note if it has no list."""
    from nanobanana_cli.api import model_list
    from nanobanana_cli.api.request import is_vertex
    from nanobanana_cli.api.transport import Transport

    if is_vertex(settings.base_url):
        terminal.warn(f"{model_list.NOT_OF_VERTEX}; nothing was asked")
        return None
    reason = "the address answers with something else"
    try:
        with closing(Transport(endpoint, timeout=settings.timeout or _LONGEST_WAIT)) as transport:
            listed = model_list.fetch(transport)
    except (KeyRejected, Unreachable):
        raise
    except NbError as error:
        listed, reason = None, error.message
    if listed is None:
        terminal.warn(f"{settings.provider} gives no list of its models: {reason}")
    return listed
