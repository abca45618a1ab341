"""`nb sandbox`: run a local server that speaks the protocol of the service."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import msgspec
from typer import Option

from nanobanana_cli.commands.options import Color, Quiet
from nanobanana_cli.commands.signature import takes
from nanobanana_cli.errors import ExitCode, Interrupted, UsageError
from nanobanana_cli.sandbox import LONGEST_LATENCY
from nanobanana_cli.ui.terminal import Terminal


class SandboxOptions(msgspec.Struct, frozen=True):
    """The options of `nb sandbox`."""

    port: Annotated[
        int,
        Option("--port", metavar="PORT", min=0, max=65535, help="Port; 0 takes any free port."),
    ] = 0
    latency: Annotated[
        float,
        Option(
            "--latency",
            metavar="SECONDS",
            min=0,
            max=LONGEST_LATENCY,
            help="Take at least this long for each result.",
        ),
    ] = 0
    key: Annotated[
        str | None,
        Option("--key", metavar="KEY", help="Require this key in every request. [default: any]"),
    ] = None
    log: Annotated[
        str | None,
        Option(
            "--log",
            metavar="FILE",
            help="Append one JSON line per request, which says whether it is charged.",
        ),
    ] = None
    fault: Annotated[
        list[str] | None,
        Option(
            "--fault", metavar="FAULT", help="Answer calls with a fault, such as 429:2; repeatable."
        ),
    ] = None
    quiet: Quiet = False
    color: Color = None


@takes(SandboxOptions)
def command(options: SandboxOptions, terminal: Terminal) -> None:
    """Run a local server that speaks the protocol of the service, free and offline.

    Use it to try nb, or to test pipelines in any language. It draws each picture from the prompt
    and marks it as a sandbox image. It prints its address as a line of JSON, then serves on
    127.0.0.1 until Ctrl-C, with a line for each request on stderr. Like the service, it wants a
    key in x-goog-api-key.

    A fault is NAME, NAME:COUNT, or slow:SECONDS:COUNT; without a count it affects every call, and
    several are used up in the order given. A prompt can ask for one with [[fault:NAME]].

      HTTP      307 400 401 402 403 404 413 429 500 502 503 504 credit
                spending-cap no-free-tier gateway-500 firewall nested
      refused   safety no-image recitation prohibited blocked max-tokens
                text empty null-parts
      unusual   jpeg lying drafts several multi snake data-uri link
                file-uri chunks sse wrapped padded no-text small
                wrong-ratio
      broken    cut reset hang slow trickle corrupt html not-json
                success-false
      all       mix

    Examples:
      nb sandbox --port 8123 --log calls.jsonl
      nb sandbox --fault 429:2 --fault slow:30:1
      nb generate fox --base-url http://127.0.0.1:8123 --provider sandbox
    """
    from nanobanana_cli.sandbox.server import Sandbox

    with (
        Sandbox(
            port=options.port,
            latency=options.latency,
            key=options.key,
            log=None if options.log is None else Path(options.log),
            faults=_faults(options),
            has_lines=not options.quiet,
        ) as sandbox,
        _ended_by_signal(),
    ):
        terminal.json(SandboxLine(sandbox.url, sandbox.port))
        if terminal.stderr.isatty():
            terminal.note("serving until Ctrl-C; in another terminal:")
            terminal.note(f"  export NB_PROVIDER=sandbox NB_BASE_URL={sandbox.url}")
        for line in sandbox.lines():
            terminal.note(line)


def _faults(options: SandboxOptions) -> list[str]:
    """Return the values of `--fault`; raise UsageError, which names it, unless they are known."""
    from nanobanana_cli.sandbox.faults import FaultQueue

    faults = options.fault or []
    try:
        FaultQueue(faults)
    except UsageError as error:
        raise UsageError(f"--fault: {error.message}", hint=error.hint) from None
    return faults


class SandboxLine(msgspec.Struct, frozen=True):
    """The first line of the sandbox, once it serves.

    Args:
        url: its address, for --base-url or NB_BASE_URL.
        port: the port that it took.
        provider: for --provider or NB_PROVIDER.
    """

    url: str
    port: int
    provider: str = "sandbox"


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """End the block quietly at the first SIGINT or SIGTERM, and ignore those that follow."""
    stop = (signal.SIGINT, signal.SIGTERM)
    for number in stop:
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, partial(_end, handler, stop))
    try:
        yield
    except Interrupted as interrupted:
        if interrupted.code == ExitCode.HANGUP:
            raise


def _end(
    handler: Callable[[int, FrameType | None], object],
    stop: tuple[signal.Signals, ...],
    signum: int,
    frame: FrameType | None,
) -> None:
    try:
        # It may put the signal off.
        handler(signum, frame)
    except Interrupted:
        for number in stop:
            signal.signal(number, signal.SIG_IGN)
        raise
