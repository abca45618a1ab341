"""Put images after those that they are made from, and hand them out in that order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.plan import Step


def parents_first(
    nodes: Iterable[int], parents_of: Callable[[int], Iterable[int]]
) -> tuple[list[int], list[list[int]]]:
    """Return nodes and all that they depend on, each after what it depends on, else in order.

    Args:
        nodes: positions of images.
        parents_of: returns the positions that one depends on.

    Returns:
        The order; and the cycles, each node of which depends on the next and the last on the first.
    """
    is_done: dict[int, bool] = {}
    order: list[int] = []
    cycles: list[list[int]] = []
    for start in nodes:
        if start in is_done:
            continue
        is_done[start] = False
        path: list[tuple[int, Iterator[int]]] = [(start, iter(parents_of(start)))]
        while path:
            node, rest = path[-1]
            parent = next(rest, None)
            if parent is None:
                path.pop()
                is_done[node] = True
                order.append(node)
            elif parent not in is_done:
                is_done[parent] = False
                path.append((parent, iter(parents_of(parent))))
            elif not is_done[parent]:
                chain = [each for each, _ in path]
                cycles.append(chain[chain.index(parent) :])
    return order, cycles


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Return steps so that each comes after those that it waits for."""
    if not any(step.after for step in steps):
        return list(steps)
    known = {step.item.position: step for step in steps}
    order, _ = parents_first(known, lambda node: filter(known.__contains__, known[node].after))
    return [known[node] for node in order]


def descendants(items: Sequence[Item], positions: Collection[int]) -> set[int]:
    """Return the positions of all images that are made from some, or from what is made from them.

    Args:
        items: all images of a manifest.
        positions: of some of them.
    """
    found: set[int] = set()
    order, _ = parents_first(
        range(len(items)), lambda node: (each for _, each in items[node].parents)
    )
    for node in order:
        if any(each in positions or each in found for _, each in items[node].parents):
            found.add(node)
    return found.difference(positions)


def families(items: Sequence[Item]) -> dict[int, str]:
    """Return, by position, the fingerprint that all images have that depend on each other.

    Args:
        items: all images of a manifest.
    """
    parents = {item.position: [parent for _, parent in item.parents] for item in items}
    head = {position: position for position in parents}

    def head_of(position: int) -> int:
        while head[position] != position:
            head[position] = head[head[position]]
            position = head[position]
        return position

    for position, each in parents.items():
        for parent in each:
            head[head_of(position)] = head_of(parent)
    found: dict[int, str] = {}
    for item in items:
        if not item.parents:
            # What is added to a family later must not move it to another part.
            first = head_of(item.position)
            found[first] = min(found.get(first, item.fingerprint), item.fingerprint)
    return {position: found[head_of(position)] for position in parents}


class StepQueue:
    """Steps to hand out in order, each once all that it waits for is there; not thread-safe.

    Args:
        steps: the steps, as `in_order` returns them.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        due = {step.item.position for step in steps}
        self._children: dict[int, list[int]] = {}
        # Index of a step → the number of steps that it waits for.
        self._waits: dict[int, int] = {}
        for index, step in enumerate(steps):
            parents = due.intersection(step.after)
            self._waits[index] = len(parents)
            for parent in parents:
                self._children.setdefault(parent, []).append(index)
        self._ready = [index for index, count in self._waits.items() if not count]

    @property
    def left(self) -> int:
        """The number of steps that were neither handed out nor dropped."""
        return len(self._waits)

    def first(self) -> Step | None:
        """Return the next step; None if all that are left wait for others."""
        return self._steps[self._ready[0]] if self._ready else None

    def take(self) -> None:
        """Hand the first step out."""
        del self._waits[heapq.heappop(self._ready)]

    def ended(self, step: Step, *, has_image: bool, has_turns: bool) -> list[Step]:
        """Record what became of a step.

        Args:
            step: as `first` returned it.
            has_image: its image is there.
            has_turns: its conversation is there, if it has one.

        Returns:
            What waited for that which is missing, and what waited for those, all dropped.
        """
        ended = [step]
        for each in ended:
            position = each.item.position
            for index in self._children.pop(position, ()):
                if index not in self._waits:
                    continue  # It was dropped for another one.
                child = self._steps[index]
                is_there = each is step and has_image
                if is_there and (has_turns or child.goes_on_from != position):
                    self._waits[index] -= 1
                    if not self._waits[index]:
                        heapq.heappush(self._ready, index)
                else:
                    del self._waits[index]
                    ended.append(child)
        return ended[1:]
