from __future__ import annotations

import gc
import weakref

from nanobanana_cli.errors import BadReply, Interrupted, NbError


class _Large:
    """Stands for a reply of many megabytes."""


def _fail() -> tuple[NbError, weakref.ref[_Large]]:
    large = _Large()
    watched = weakref.ref(large)
    try:
        try:
            raise ValueError("damaged")
        except ValueError as error:
            raise BadReply("no image") from error
    except NbError as error:
        return error.released(), watched


def test_an_error_that_is_kept_keeps_nothing_else_alive() -> None:
    error, watched = _fail()
    gc.collect()
    assert watched() is None
    assert isinstance(error.__cause__, ValueError)


def test_nobody_who_catches_exceptions_swallows_a_signal() -> None:
    assert not issubclass(Interrupted, Exception)
