"""List which JSON lines each command prints with `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

# Command → the option that makes a difference, "" for none of them → the schemas of its lines.
PRINTED: Mapping[str, Mapping[str, Sequence[str]]] = {
    "generate": {"--dry-run": ["request"], "": ["result"]},
    "caption": {
        "--pages": ["page", "request"],
        "--check": ["finding"],
        "--read": ["embedded"],
        "--dry-run": ["request", "result"],
        "": ["result"],
    },
    "batch": {
        "--prune": ["leftover"],
        "--status": ["status"],
        "--dry-run": ["plan"],
        "--check": ["plan"],
        "": ["row"],
    },
    "extract": {"": ["result"]},
    "log": {"--sum": ["spending"], "": ["call"]},
    "config list": {"": ["setting"]},
    "config check": {"": ["check"]},
    "models": {"--check": ["listing"], "": ["model"]},
    "sandbox": {"": ["sandbox"]},
    "help": {"": ["help", "command"]},
}


def records() -> Mapping[str, type[msgspec.Struct]]:
    """Return the record of each schema."""
    from nanobanana_cli.api.request import ShownRequest
    from nanobanana_cli.captions.audit import Finding
    from nanobanana_cli.commands.batch.prune import LeftoverLine
    from nanobanana_cli.commands.batch.show_plan import PlanLine
    from nanobanana_cli.commands.batch.status import StatusLine
    from nanobanana_cli.commands.caption.check import EmbeddedLine
    from nanobanana_cli.commands.caption.page_lines import PageLine
    from nanobanana_cli.commands.config.check import CheckLine
    from nanobanana_cli.commands.config.listing import ListedSetting
    from nanobanana_cli.commands.help.records import CommandReference, HelpDocument
    from nanobanana_cli.commands.lines import ResultLine, RowLine
    from nanobanana_cli.commands.model_check import ModelCheckLine
    from nanobanana_cli.commands.models import ModelLine
    from nanobanana_cli.commands.sandbox import SandboxLine
    from nanobanana_cli.log.line import LoggedCall
    from nanobanana_cli.log.queries import Spending

    return {
        "result": ResultLine,
        "row": RowLine,
        "plan": PlanLine,
        "status": StatusLine,
        "leftover": LeftoverLine,
        "finding": Finding,
        "embedded": EmbeddedLine,
        "page": PageLine,
        "request": ShownRequest,
        "call": LoggedCall,
        "spending": Spending,
        "setting": ListedSetting,
        "check": CheckLine,
        "model": ModelLine,
        "listing": ModelCheckLine,
        "sandbox": SandboxLine,
        "help": HelpDocument,
        "command": CommandReference,
    }
