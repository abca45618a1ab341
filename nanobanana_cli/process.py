"""Start `nb` as the installed command does; nothing is imported before signals are looked after."""

# Not `signal`, which takes milliseconds to import.
import _signal  # type: ignore[import-not-found]

from nanobanana_cli import STOP_SIGNALS


def start() -> None:
    """Run `nb`; note signals first, which Python itself would answer with a traceback."""
    held: list[int] = []
    for number in (getattr(_signal, name, None) for name in STOP_SIGNALS):
        if number is not None and _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, lambda signum, _: held.append(signum))
    from nanobanana_cli.__main__ import entry

    entry(held)
