"""Plan a batch: each image after those that it is made from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.batch import asked
from nanobanana_cli.batch.dependencies import parents_first
from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.item import Item, References, bound
from nanobanana_cli.batch.plan import Step, recorded
from nanobanana_cli.batch.step_planner import StepPlanner
from nanobanana_cli.batch.throttle import NotSent
from nanobanana_cli.generation.conversation import image_of
from nanobanana_cli.generation.destinations import chat_file
from nanobanana_cli.types import Reference

_WHY = {
    "refused": "which was refused",
    "bad-reply": "whose reply could not be used",
    "unknown": "which may have been paid for",
}


class Planner:
    """Decide what to do for each image, in an order in which it can be done.

    Args:
        planner: decides for one image.
        references: the reference images.
        root: the output folder.
        history: the content of the ledgers.
        takes_sandbox: images of a sandbox will do.
        is_due: returns whether the run makes a selected image.
        accept: the targets of images whose files stay as they are.
    """

    def __init__(
        self,
        planner: StepPlanner,
        references: References,
        root: Path,
        history: History,
        is_due: Callable[[Step], bool],
        *,
        takes_sandbox: bool,
        accept: Collection[str],
    ) -> None:
        self._planner = planner
        self._references = references
        self._root = root
        self._history = history
        self._takes_sandbox = takes_sandbox
        self._is_due = is_due
        self._accept = accept
        self._lock = threading.Lock()
        self._steps: dict[int, Step] = {}
        # Images that came into their places in this run.
        self._fresh: set[int] = set()

    def plan(self, items: Sequence[Item], every: Sequence[Item]) -> list[Step]:
        """Return a step for each image, in order.

        Args:
            items: the images to make.
            every: all images of the manifest; both as `recorded` returns them.
        """
        chosen = [item.position for item in items]
        self._chosen, self._items = frozenset(chosen), every
        order, _ = parents_first(chosen, lambda node: (each for _, each in every[node].parents))
        files = {node: self._planner.existing(every[node]) for node in order}
        self._planner.read([path for paths in files.values() for path in paths])
        for node in order:
            item, after = self._bound(every[node])
            step = self._waiting(self._planner.step(item, files[node], after))
            self._steps[node] = self._without_turns(step)
        return [self._steps[item.position] for item in items]

    def parents(self, step: Step) -> list[Step]:
        """Return the steps of the images that one is made from and that are to be made first."""
        return [self._steps[parent] for parent in step.after]

    def is_selected(self, step: Step) -> bool:
        """Return whether an image is one of those to make."""
        return step.item.position in self._chosen

    def _waiting(self, step: Step) -> Step:
        """Return the step, `waiting` if it is made from an image that this run does not make."""
        for first in self.parents(step):
            why = _WHY.get(first.state, "which waits itself")
            if not self.is_selected(first):
                problem = "missing" if first.path is None else "out of date"
                why = f"which is {problem} and not selected"
            elif self._is_due(first):
                continue
            return replace(step, state="waiting", reason=f"for {first.item.target}, {why}")
        return step

    def _without_turns(self, step: Step) -> Step:
        """Return the step, `waiting` if the image that it goes on from lacks its conversation."""
        parent = step.goes_on_from
        if parent is None or parent in step.after or not step.needs_call:
            return step
        first = self._steps[parent]
        place = self._place(first)
        if place is None:
            return step
        if not chat_file(place).is_file():
            why = "which has no conversation"
        elif self._is_former(first, chat_file(place)):
            why = "whose conversation is that of an earlier image"
        else:
            return step
        target = first.item.target
        reason = f"for {target}, {why}: --remake {target} makes it with one"
        return replace(step, state="waiting", reason=reason)

    def _is_former(self, step: Step, conversation: Path) -> bool:
        """Return whether a conversation is that of an image that the step's has replaced."""
        made = self._history.made_for(step.item.target)
        known = [each.content for each in made if not each.is_own]
        last = image_of(conversation)
        # An image that was edited since has that with which it was made.
        return last in known and last not in (step.content, known[-1])

    def made(self, step: Step, path: str, sha256: str | None) -> None:
        """Record that an image is in its place by now, for those that are made from it.

        Args:
            step: the image.
            path: its file, relative to the output folder.
            sha256: of that file.
        """
        with self._lock:
            self._references.forget(self._references.name_of(self._root / path))
            is_new = step.found is None and step.state not in ("unchanged", "text")
            content = sha256 if is_new else step.content
            there = replace(step, path=path, sha256=sha256, content=content)
            self._steps[step.item.position] = replace(there, state="unchanged", found=None)
            self._fresh.add(step.item.position)

    def again(self, step: Step) -> Step:
        """Return the step of an image now that those are there which it is made from.

        Raises:
            NotSent: one of them is not; or what is asked for now may have been paid for.
            NbError: one cannot be read.
        """
        parents = {parent for _, parent in step.item.parents}
        if step.asks_text or not parents or (parents.isdisjoint(self._fresh) and not step.after):
            return step
        with self._lock:
            item, after = self._bound(self._items[step.item.position])
            if after:
                raise NotSent(f"made from {', '.join(after.values())}, which was not made")
            found = self._planner.step(item, self._planner.existing(item), {})
        if not found.needs_call:
            return found
        if not self._is_due(found):
            raise NotSent(f"{found.reason}; --retry {found.state} makes it again")
        # What was set aside for it stays so.
        return replace(found, price=step.price)

    def _bound(self, item: Item) -> tuple[Item, dict[int, str]]:
        """Return an item with the images that it is made from; and those that are to be made first.

        The ratio of an image that is not there yet is not known either.
        """
        if not item.parents:
            return item, {}
        parents = dict(item.parents)
        names, known, after = list(item.images), list[tuple[Reference | None, str]](), {}
        for index, (_, digest) in enumerate(item.identities):
            step = self._steps[parents[index]] if index in parents else None
            if step is None and item.continues and not index:
                known.append(self._references.turns(item))
            elif step is None:
                known.append((self._references.without_data(names[index]), digest))
            elif place := self._place(step):
                names[index] = self._references.name_of(place)
                known.append((self._references.without_data(names[index]), step.content or ""))
            else:
                after[step.item.position] = names[index]
                known.append((None, asked.UNKNOWN))
        made = bound(item, names, known)
        if not after:
            made = recorded([made], self._history, takes_sandbox=self._takes_sandbox)[0]
        return made, after

    def _place(self, step: Step) -> Path | None:
        """Return the file of an image that others are made from; None if it is to be made first."""
        is_selected = self.is_selected(step)
        if step.found is not None:
            return step.found.path if is_selected else None
        is_kept = bool(step.kept) and not (is_selected and self._is_due(step))
        if step.path and (is_kept or step.lacks_text or step.state == "unchanged"):
            return self._root / step.path
        if step.path and step.item.target in self._accept:
            return self._root / step.path
        return None
