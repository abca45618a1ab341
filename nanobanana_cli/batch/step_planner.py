"""Decide what to do for an image: is it missing, changed, up to date, at hand or in doubt?

What counts is what is asked of the model and what the files show, never their times.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from nanobanana_cli.batch import asked, form_1
from nanobanana_cli.batch.contents import FileContents
from nanobanana_cli.batch.history import DoubtfulCall, History, Written
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.paths import Listing, candidates
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.reuse import Sources
from nanobanana_cli.captions import prompts
from nanobanana_cli.catalog import DEFAULT_ASPECT, prices
from nanobanana_cli.types import ContentRequest, Tariff

_GUESS = "its reference image was not fetched, so it is taken for the same"
_FORMER = 'was made as 1:1; aspect = "auto" in the row follows its image'
_LOST = "a call was sent, but its outcome was not recorded"
# Prompts that differ by fewer characters are taken to cost the same.
_PROMPT_STEP = 100


class StepPlanner:
    """Decide what to do for each image whose reference images are known.

    Args:
        history: the content of the ledgers.
        listing: the files in the output folder.
        sources: the images at hand.
        tariff: whose prices hold.
        text_model: the model of texts for images that are there.
        takes_sandbox: images of a sandbox will do.
        remake: the targets of images to make anew.
    """

    def __init__(
        self,
        history: History,
        listing: Listing,
        sources: Sources,
        tariff: Tariff,
        text_model: str,
        *,
        takes_sandbox: bool,
        remake: Collection[str] = (),
    ) -> None:
        self._history = history
        self._listing = listing
        self._sources = sources
        self._tariff = tariff
        self._text_request = ContentRequest(
            prompt="",
            framed=prompts.for_picture(prompts.TextSpec()),
            modalities=("TEXT",),
            model=text_model,
        )
        self._takes_sandbox = takes_sandbox
        self._remake = remake
        self._contents = FileContents(listing.root)
        self._prices: dict[tuple[object, ...], int | None] = {}

    def read(self, paths: Sequence[str]) -> None:
        """Read files side by side; `step` reads one by one those that are not read by then."""
        self._contents.read(paths)

    def existing(self, item: Item) -> list[str]:
        """Return the files that may be this image, those that the ledger names first.

        A ledger comes with a repository, so a path that it names counts only when it is one that
        the row could get: those have passed `Listing.check`.
        """
        own = candidates(item.target)
        made = [each.path for each in self._history.made_for(item.target) if each.path in own]
        paths = dict.fromkeys([*reversed(made), *own])
        return [path for path in paths if self._listing.has(path)]

    def step(self, item: Item, paths: Sequence[str], after: Mapping[int, str]) -> Step:
        """Return the step for an image.

        Args:
            item: as `recorded` returns it.
            paths: the files that may be it, as `existing` returns them.
            after: the images that it is made from and that are to be made first, by position: the
                names that its row gives them.
        """
        doubts = () if after else self._doubts(item)
        step = Step(item, "make", self._price(item), doubts=doubts, after=tuple(after))
        if paths:
            digest = self._contents.sha256(paths[0])
            step = replace(step, path=paths[0], sha256=digest, content=digest)
        if item.target in self._remake:
            return replace(step, state="remake")
        for path in () if after else paths:
            if made := self._record_of(item, path):
                return self._unchanged(step, path, made)
        if not (doubts or after or item.is_guess):
            step = replace(step, doubts=self._sources.doubts_moved(item.fingerprints))
        for call in step.doubts:
            # Its hash was in the ledger before the file had its name.
            for path in paths:
                if call.sha256 and self._contents.is_image(path, call.sha256, call.shown):
                    return self._unchanged(replace(step, recovered=call), path)
        step = self._missing(step) if step.path is None else self._replaced(step, step.path)
        if after:
            return self._made_later(step, list(after.values()))
        return self._at_hand(step) or self._in_doubt(step)

    def _made_later(self, step: Step, names: Sequence[str]) -> Step:
        """Return the step with the images that come first, if nothing else is its reason."""
        reason = step.reason
        if step.state == "changed" and not step.kept:
            new = (f"{step.item.kind_of(name)} {name}" for name in names)
            reason = ", ".join([*filter(None, [reason]), *new])
        return replace(step, reason=reason or f"after {', '.join(names)}")

    def _missing(self, step: Step) -> Step:
        """Return the step for an image that has no file."""
        target = step.item.target
        if self._history.made_for(target):
            return replace(step, reason="the file is missing")
        is_new = target not in self._history.failed
        return step if is_new else replace(step, reason="failed in an earlier run")

    def _replaced(self, step: Step, path: str) -> Step:
        """Return the step for an image whose file is to be replaced."""
        # What another manifest made is not this one's to replace.
        every = self._history.made_for(step.item.target)
        made = [each for each in every if not each.is_beside]
        kept = self._kept(path, made, step.price)
        beside = (each for each in every if each.is_beside)
        if any(self._contents.is_image(path, each.sha256, each.shown) for each in beside):
            kept = "exists already, and the ledger of another manifest records it"
        if kept:
            return replace(step, state="changed" if made else "exists", reason=kept, kept=kept)
        return replace(step, state="changed", reason=self._changes(step.item, path))

    def _doubts(self, item: Item) -> tuple[DoubtfulCall, ...]:
        prints = None if item.is_guess else item.fingerprints
        calls = self._history.doubts_for(item.target, prints)
        return tuple(call for call in calls if call.fingerprint != item.text_fingerprint)

    def _record_of(self, item: Item, path: str) -> Written | None:
        """Return the record of a file that is what the item asks for; None if it is not."""
        own = self._history.made_for(item.target)
        for made in (*own, *self._sources.records_of(item)):
            if (
                made.fingerprint in item.fingerprints
                and (self._takes_sandbox or not made.is_sandbox)
                and self._contents.is_image(path, made.sha256, made.shown)
            ):
                return made
        return None

    def _unchanged(self, step: Step, path: str, made: Written | None = None) -> Step:
        """Return the step for an image that is up to date, but for its text perhaps."""
        item, reason = step.item, ""
        if made is None:
            reason = "was saved just before the last run was killed"
        elif item.is_guess:
            reason = _GUESS
        elif self._was_square(item, made):
            reason = _FORMER
        elif all(each.path != path for each in self._history.made_for(item.target)):
            reason = "was moved"
        digest = self._contents.sha256(path)
        doubts = step.doubts if step.recovered else ()
        content = made.content if made else digest
        step = replace(
            step,
            state="unchanged",
            reason=reason,
            path=path,
            sha256=digest,
            doubts=doubts,
            beside=made if made is not None and made.is_beside else None,
            content=content,
        )
        return self._with_text(step, path, made)

    def _was_square(self, item: Item, made: Written) -> bool:
        if not item.leaves_aspect or item.settings.aspect == DEFAULT_ASPECT:
            return False
        then = self._history.asked.get(made.fingerprint)
        if then is not None:
            return bool(asked.changed(then, item.asked))
        now = replace(item, leaves_aspect=False)
        known = form_1.fingerprints(now, takes_sandbox=self._takes_sandbox)
        return made.fingerprint not in (item.fingerprint, *known)

    def _with_text(self, step: Step, path: str, made: Written | None) -> Step:
        """Return the step for an image that is there; if it lacks its text, that is to be done."""
        item = step.item
        if item.alt_file is None or self._listing.has(item.alt_file):
            return step
        records = (*self._history.made_for(item.target), *((made,) if made else ()))
        texts = [
            each.alt
            for each in records
            if each.alt and self._contents.is_image(path, each.sha256, each.shown)
        ]
        text = texts[-1] if texts else None
        step = replace(step, state="text", reason="its text is missing", lacks_text=True, text=text)
        if text is not None:
            return replace(step, price=0)
        step = self._asking(step)
        return self._in_doubt(replace(step, doubts=(*step.doubts, *self._text_doubts(item))))

    def _text_doubts(self, item: Item) -> tuple[DoubtfulCall, ...]:
        prints = (item.text_fingerprint,)
        calls = self._history.doubts_for(item.target, prints)
        return calls or self._sources.doubts_moved(prints)

    def _kept(self, path: str, made: Sequence[Written], price: int | None) -> str:
        """Return why a file is not replaced without `--force`; "" when it may be."""
        if not made:
            return "exists already and no ledger records it under this name"
        same = [each for each in made if self._contents.is_image(path, each.sha256, each.shown)]
        if not same:
            return "was edited since it was made"
        if all(each.is_own for each in same):
            return "is your own file, recorded with --accept"
        if price == 0 and any(each.paid for each in same):
            return "was paid for and would be replaced by a free image"
        return ""

    def _changes(self, item: Item, path: str) -> str:
        """Return what is asked for now that was not asked of a file that nb made."""
        made = self._history.made_for(item.target)
        same = [each for each in made if self._contents.is_image(path, each.sha256, each.shown)]
        if any(each.is_sandbox and each.fingerprint in item.fingerprints for each in same):
            return "the sandbox made it"
        for each in reversed(same):
            then = self._history.asked.get(each.fingerprint)
            if then is not None:
                names = asked.changed(then, item.asked)
                return asked.in_words(names, then, item.asked, item.references)
        return "the request changed"

    def _at_hand(self, step: Step) -> Step | None:
        """Return the step for an image that was received or made under another name, if any."""
        item = step.item
        for call in step.doubts:
            if found := self._sources.leftover(call, item.target):
                reason = f"was received, and left as {found.path.name}"
                step = replace(step, state="reuse", price=0, reason=reason, found=found)
                return self._reused_text(replace(step, recovered=call, content=call.sha256))
        if item.is_guess:
            return None
        found = self._sources.take(item, takes_sandbox=self._takes_sandbox)
        if found is None:
            return None
        reason = f"is there as {found.path}"
        step = replace(step, state="reuse", price=0, reason=reason, found=found, doubts=())
        return self._reused_text(replace(step, content=found.made and found.made.content))

    def _reused_text(self, step: Step) -> Step:
        """Return the step with the text that the image at hand has, or with the call for one."""
        item, found = step.item, step.found
        if item.alt_file is None or found is None or self._listing.has(item.alt_file):
            return step
        # The one beside it may have been edited.
        text = "" if found.alt_file.is_file() else found.made and found.made.alt
        if text is None:
            if self._text_doubts(item):
                return replace(step, lacks_text=True)
            return self._asking(step)
        return replace(step, lacks_text=True, text=text)

    def _in_doubt(self, step: Step) -> Step:
        """Return the step with the state of its last doubtful call, if there is one."""
        if not step.doubts or step.recovered:
            return step
        last = step.doubts[-1]
        return replace(step, state=last.kind, reason=last.message or _LOST)

    def _price(self, item: Item) -> int | None:
        """Return micro-dollars of an item's call, computed once for those that share it."""
        size = len(item.prompt) // _PROMPT_STEP
        count = len(item.references) + item.earlier
        key = (item.settings, item.parameters, count, size)
        if key not in self._prices:
            request = item.request(())
            self._prices[key] = prices.estimate(request, self._tariff, count).micro
        return self._prices[key]

    def _asking(self, step: Step) -> Step:
        """Return the step with the call for its text alone."""
        request = self._text_request
        price = prices.estimate(request, self._tariff, 1).micro
        return replace(step, lacks_text=True, text_request=request, price=price)
