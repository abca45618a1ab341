"""List what the manual says besides the command tree: exit statuses, variables and files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.errors import ExitCode
from nanobanana_cli.settings.config_files import PROJECT_FILE
from nanobanana_cli.settings.names import DEFAULTS, variable_of
from nanobanana_cli.system import APP

# Status → meaning, and whether a call with this end was charged.
EXIT_STATUSES: Mapping[ExitCode, tuple[str, str]] = {
    ExitCode.OK: ("everything asked for is there", "yes, or nothing to do"),
    ExitCode.DEFECT: ("a defect in `nb`", "unknown"),
    ExitCode.USAGE: (
        "usage: a bad option, value, manifest, configuration or path; nothing was sent",
        "no",
    ),
    ExitCode.INCOMPLETE: (
        "a batch, or `caption` over several images, is not complete; `--check` found something",
        "some",
    ),
    ExitCode.KEY: ("the key is missing, was rejected, or may not do this", "no"),
    ExitCode.UNAVAILABLE: (
        (
            "unreachable, blocked before the service, overloaded, or rate limited for too long: "
            "safe to run again later"
        ),
        "no",
    ),
    ExitCode.FILE: (
        "a local file could not be read or written",
        "no before the call, yes after it",
    ),
    ExitCode.REJECTED: ("the service rejected the request for good", "no"),
    ExitCode.BUDGET: (
        "a budget (`--max-cost`, a spending cap, no free tier) or the account's credit is used up",
        "nothing further",
    ),
    ExitCode.NO_IMAGE: ("the service answered without an image, or without the text", "maybe"),
    ExitCode.BAD_REPLY: (
        "the reply could not be used: not JSON, no valid image, a link that could not be fetched",
        "probably",
    ),
    ExitCode.OUTCOME_UNKNOWN: (
        (
            "outcome unknown: the connection broke or the deadline passed after the request was "
            "sent, or a gateway's error says that much"
        ),
        "maybe",
    ),
    ExitCode.EXISTS: ("the output exists already; nothing was sent", "no"),
    ExitCode.HANGUP: ("SIGHUP", "see the message"),
    ExitCode.INTERRUPT: ("Ctrl-C", "see the message"),
    ExitCode.OUTPUT_CLOSED: ("stdout was closed by its reader", "yes"),
    ExitCode.TERMINATED: ("SIGTERM", "see the message"),
}


class Fact(msgspec.Struct, frozen=True):
    """A variable or a file.

    Args:
        name: `NB_DEBUG`, or a path.
        about: a sentence; code stands in backticks.
        options: it matters to the commands with one of these options; empty for all.
        commands: the same by their names.
    """

    name: str
    about: str
    options: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def matters_to(self, command: str, options: Collection[str]) -> bool:
        """Return whether a command's page has it; that of `nb` itself has everything.

        Args:
            command: such as `config`; "" for `nb`.
            options: the long options that it takes.
        """
        limited = self.options or self.commands
        has_option = any(option in options for option in self.options)
        return not command or not limited or has_option or command in self.commands


# What calls the service.
_CALLING = ("--timeout",)
_CONFIGURED = ("--provider", "--format")


def _of_settings() -> Iterator[Fact]:
    for name in DEFAULTS:
        if not (variable := variable_of(name)):
            continue
        if name == "output-folder":
            about = "The folder for images where `--output` is not given."
            yield Fact(variable, about, commands=("generate", "caption"))
        elif name == "log":
            yield Fact(variable, "`0`: keep no log of what was paid for.", _CALLING, ("log",))
        else:
            yield Fact(variable, f"As `--{name}`, where that is not given.", (f"--{name}",))


def _of_keys() -> Iterator[Fact]:
    for provider in PROVIDERS.values():
        for number, variable in enumerate(provider.key_variables):
            first = f" `{provider.key_variables[0]}` goes before it." if number else ""
            about = f"The key for {provider.name}.{first}"
            yield Fact(variable, about, _CALLING, ("config", "models"))


VARIABLES = (
    *_of_keys(),
    *_of_settings(),
    Fact("NB_CONFIG", "Another configuration file of the user.", _CONFIGURED, ("config",)),
    Fact("NB_DEBUG", "`1` shows tracebacks."),
    Fact("VISUAL", "The editor; `EDITOR` is the next one to be asked for.", (), ("config",)),
    Fact(
        "NO_COLOR",
        "Colour never; `FORCE_COLOR` and `CLICOLOR_FORCE`: always. `--color` and `--no-color` "
        "take precedence.",
    ),
    Fact(
        "HTTPS_PROXY",
        "The proxy, as also `ALL_PROXY` and `NO_PROXY`; `REQUESTS_CA_BUNDLE` names a file of "
        "certificates to trust.",
        (*_CALLING, "--base-url"),
        ("config",),
    ),
)

_STATE = f"~/.local/state/{APP}/"
FILES = (
    Fact(
        f"~/.config/{APP}/config.toml",
        "The user's settings and keys, as `nb config set` writes them. `nb config path` prints "
        "its place, which differs on macOS.",
        _CONFIGURED,
        ("config",),
    ),
    Fact(
        PROJECT_FILE,
        "The settings of a project, in the current folder or the nearest one above. They go "
        "before those of the user; keys and addresses are not taken from it.",
        _CONFIGURED,
        ("config",),
    ),
    Fact(
        "images.ledger.jsonl",
        "The ledger beside the manifest `images.toml`: what was asked, paid for and made.",
        commands=("batch",),
    ),
    Fact(
        "fox.alt.txt",
        "The text of `fox.png`, beside it.",
        ("--alt", "--embed"),
    ),
    Fact(
        f"{_STATE}log.sqlite",
        "The log of what was paid for, which `nb log` shows.",
        _CALLING,
        ("log",),
    ),
    Fact(
        f"{_STATE}images/",
        "Images that were paid for and could not be saved where they belong.",
        _CALLING,
    ),
    Fact(
        f"{_STATE}replies/",
        "Replies whose images could not be saved; `nb extract` takes them.",
        _CALLING,
        ("extract",),
    ),
)
