"""Plan the run of a manifest by its options; nothing is sent."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from nanobanana_cli import system
from nanobanana_cli.batch import history, locking, selection
from nanobanana_cli.batch.dependencies import descendants, in_order
from nanobanana_cli.batch.history import Doubt
from nanobanana_cli.batch.item import Item, References
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError, place_of
from nanobanana_cli.batch.manifest.readers import STDIN
from nanobanana_cli.batch.paths import Listing
from nanobanana_cli.batch.plan import Step, recorded
from nanobanana_cli.batch.planner import Planner
from nanobanana_cli.batch.reuse import Sources
from nanobanana_cli.batch.selection import Shard
from nanobanana_cli.batch.step_planner import StepPlanner
from nanobanana_cli.batch.unique_names import assign_names, check_paths
from nanobanana_cli.catalog import prices
from nanobanana_cli.commands.batch.options import BatchOptions
from nanobanana_cli.commands.signature import command_line
from nanobanana_cli.settings import Settings, validators
from nanobanana_cli.ui.terminal import Terminal

HINT_KEPT = "--skip-existing keeps existing files, --force replaces them; --only selects some"
HINT_WAITING = "select the images that they wait for, too"
_KINDS = get_args(Doubt)


class BatchJob(msgspec.Struct, frozen=True):
    """A checked manifest with the options of a run: decides what the run makes.

    Args:
        chosen: the options.
        settings: the settings in force.
        items: the images of the manifest, named as if none had been made.
        diagnostics: the errors of the manifest.
        references: the reference images.
        root: the output folder.
        ledger: the manifest's ledger.
        shard: the part of the manifest to make; None is all of it.
    """

    chosen: BatchOptions
    settings: Settings
    items: list[Item]
    diagnostics: Diagnostics
    references: References
    root: Path
    ledger: Path
    shard: Shard | None

    @property
    def images(self) -> locking.Outputs:
        """The images that no other run may make at the same time."""
        targets = tuple(item.target for item in self.items)
        return locking.Outputs(self.name, self.ledger, self.root, targets)

    @property
    def name(self) -> str:
        """The manifest, as the user named it."""
        return self.chosen.manifest or ""

    def command(self, **changes: Any) -> str:
        """Return the command with the options that were given, and with some of them changed."""
        return command_line("batch", replace(self.chosen, **changes))

    @property
    def is_narrowed(self) -> bool:
        """True if only some images of the manifest are selected."""
        return bool(self.chosen.only or self.chosen.remake) or self.shard is not None

    def plan(
        self, terminal: Terminal, *, whole: bool = False
    ) -> tuple[list[Step], history.History, Planner]:
        """Return what to do for each selected image, the content of the ledgers, and the planner.

        Args:
            terminal: takes notes and errors.
            whole: select all images of the manifest, and remake none.

        Raises:
            ManifestError: two images have one path, since one of them was made under that name.
            UsageError: `--only` matches no image.
        """
        beside = locking.ledgers_beside(self.ledger)
        past = history.read(locking.all_ledgers(self.ledger), beside)
        for place in past.truncated:
            terminal.warn(f"{place}: ignored a line that was cut off when a run was killed")
        listing = Listing(self.root)
        every = self.every(past, listing, terminal)
        items = selection.select(every, self.chosen.only or (), self.shard, listing)
        remake = selection.matching(every, self.chosen.remake or (), listing, "--remake")
        if remake:
            items = [item for item in items if item.target in remake]
        state = system.state_folder(terminal.env)
        claimed = [item.target for item in every]
        images = None if state is None else state / "images"
        sources = Sources(past, self.root, self.ledger.parent, images, claimed)
        planner = Planner(
            StepPlanner(
                *(past, listing, sources, self.settings.tariff, self.settings.caption_model),
                takes_sandbox=self.takes_sandbox,
                remake=() if whole else remake,
            ),
            *(self.references, self.root, past, self.is_due),
            takes_sandbox=self.takes_sandbox,
            accept=selection.matching(every, self.chosen.accept or (), listing, "--accept"),
        )
        return planner.plan(every if whole else items, every), past, planner

    def every(self, past: history.History, listing: Listing, terminal: Terminal) -> list[Item]:
        """Return all images of the manifest under their names; raise ManifestError as `plan`."""
        before = recorded(self.items, past, takes_sandbox=self.takes_sandbox)
        every = assign_names(before, past, listing)
        if any(now is not then for now, then in zip(every, before, strict=True)):
            with errors_shown(terminal):
                self.check_paths(every, listing)
        return every

    @property
    def takes_sandbox(self) -> bool:
        """True if images of a sandbox are up to date: it is the provider, or may be."""
        settings = self.settings
        host = validators.host(settings.base_url)
        return settings.provider == "sandbox" or validators.is_loopback(host)

    def check_paths(self, items: Sequence[Item], listing: Listing) -> None:
        """Raise ManifestError if the manifest has errors, including paths used twice."""
        own = self.own_files()
        if self.chosen.gallery is not None:
            own.append(Path(self.chosen.gallery))
        root = os.path.realpath(self.root)
        reserved = (
            os.path.relpath(os.path.realpath(path.parent) + "/" + path.name, root) for path in own
        )
        inside = [path for path in reserved if not path.startswith("..")]
        check_paths(items, self.diagnostics, listing, inside)
        self.diagnostics.check()

    def own_files(self) -> list[Path]:
        """Return the manifest and its ledgers."""
        ledger = locking.own_ledger(self.ledger, self.shard)
        return [Path(self.name), ledger, *locking.all_ledgers(self.ledger)]

    def is_due(self, step: Step) -> bool:
        """Return whether the options allow this image to be made."""
        if step.state in ("unchanged", "waiting"):
            return False
        if step.state in _KINDS and not self._is_retried(step):
            return False
        return self.chosen.force or not step.kept

    def _is_retried(self, step: Step) -> bool:
        kinds = self.chosen.retry or ()
        return "all" in kinds or all(call.kind in kinds for call in step.doubts)

    def is_left_alone(self, step: Step) -> bool:
        """Return whether the options keep an existing file as it is."""
        return self.chosen.skip_existing and bool(step.kept)

    def due(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps that need a call, in the order to take them."""
        steps = [step for step in steps if step.needs_call and self.is_due(step)]
        if self.chosen.shuffle:
            random.SystemRandom().shuffle(steps)
        return in_order(steps)[: self.chosen.limit]

    def made_stale(self, steps: Sequence[Step], terminal: Terminal) -> str | None:
        """Return a line about images that the run leaves out of date, since it makes others anew.

        Args:
            steps: those of the selected images.
            terminal: takes notes and errors.
        """
        due = {step.item.position for step in steps if step.needs_call and self.is_due(step)}
        children = descendants(self.items, due) if self.is_narrowed else set()
        children -= {step.item.position for step in steps}
        whole = self.plan(terminal, whole=True)[0] if children else []
        stale = [step for step in whole if step.item.position in children and step.path]
        if not stale:
            return None
        images = "1 image is" if len(stale) == 1 else f"{len(stale)} images are"
        return f"{images} out of date then, to be made by another run for {self.cost(stale)}"

    def cost(self, steps: Sequence[Step]) -> str:
        """Return what it costs to make images."""
        unpriced = sum(step.price is None for step in steps)
        return amount(sum(step.price or 0 for step in steps), unpriced, word=self.price_word)

    def at_hand(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps that have an image or a text at hand."""
        return [step for step in steps if (step.found or step.text) and self.is_due(step)]

    def in_doubt(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps that may have been paid for and are left as they are."""
        return [step for step in steps if step.state in _KINDS and not self.is_due(step)]

    def retry_hint(self, doubts: Sequence[tuple[str, int | None]]) -> str | None:
        """Return a hint at how to make again what may have been paid for; None for nothing.

        Args:
            doubts: the kind of each, and micro-dollars of the call that it takes.
        """
        parts = []
        for kind in _KINDS:
            prices = [price for each, price in doubts if each == kind]
            if prices:
                unpriced = sum(price is None for price in prices)
                cost = amount(sum(price or 0 for price in prices), unpriced, word=self.price_word)
                parts.append(f"--retry {kind} makes {len(prices)} again for {cost}")
        return ", ".join(parts) or None

    def retry_command(self, doubts: Sequence[tuple[str, int | None]]) -> str | None:
        """Return `retry_hint`, and the command to run on a line of its own."""
        hint, kinds = self.retry_hint(doubts), {kind for kind, _ in doubts}
        again = [kind for kind in _KINDS if kind in kinds]
        command = self.command(retry=again, check=False, dry_run=False)
        return hint and f"{hint}\n{command}"

    @property
    def price_word(self) -> str:
        """`about` where prices before a call are estimates, else ""."""
        return "about" if prices.are_estimates(self.settings.tariff) else ""

    def path(self, step: Step) -> str:
        """Return the path of an image, as seen from the current folder."""
        return str(self.root / (step.path or step.item.target))

    def place(self, step: Step) -> tuple[str, int] | None:
        """Return file and line of an image's row; None if the manifest is not a file."""
        if self.name == STDIN:
            return None
        return place_of(self.name, self.diagnostics.locate(step.item.row, ""))


@contextmanager
def errors_shown(terminal: Terminal) -> Iterator[None]:
    """Show the errors of a manifest before the error that sums them up."""
    try:
        yield
    except ManifestError as error:
        for line in error.lines():
            terminal.problem(line, place_of(error.name, line))
        raise


def amount(micro: int, unpriced: int, zero: str = "$0", word: str = "") -> str:
    """Return a sum, and how many calls it leaves out because their price is not known."""
    if unpriced and not micro:
        return "an unknown price"
    known = prices.amount(micro, word, zero=zero)
    return f"{known} and {unpriced} of unknown price" if unpriced else known
