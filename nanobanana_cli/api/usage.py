"""Read what a reply says of tokens and searches, by which providers charge. Pure."""

from __future__ import annotations

from typing import Any

from nanobanana_cli.api.schema import Candidate
from nanobanana_cli.types import Usage


def read(metadata: Any) -> Usage | None:
    """Return the counts of `usageMetadata`; None if it is no object."""
    if not isinstance(metadata, dict):
        return None
    total = _count(metadata.get("totalTokenCount"))
    return Usage(
        prompt_tokens=_count(metadata.get("promptTokenCount")),
        output_tokens=_count(metadata.get("candidatesTokenCount")),
        # JSON made from a proto leaves zero out.
        thinking_tokens=_count(metadata.get("thoughtsTokenCount", None if total is None else 0)),
        total_tokens=total,
    )


def text_tokens(metadata: Any) -> int:
    """Return how many output tokens are text; 0 if the service does not say."""
    details = metadata.get("candidatesTokensDetails") if isinstance(metadata, dict) else None
    return sum(
        _count(each.get("tokenCount")) or 0
        for each in (details if isinstance(details, list) else ())
        if isinstance(each, dict) and each.get("modality") == "TEXT"
    )


def queries(candidate: Candidate) -> int:
    """Return how many search queries a candidate's grounding names."""
    found = candidate.grounding_metadata
    names = ("webSearchQueries", "imageSearchQueries")
    listed = [found.get(name) for name in names] if isinstance(found, dict) else []
    return sum(len(queries) for queries in listed if isinstance(queries, list))


def _count(value: Any) -> int | None:
    """Return a count of tokens, None if it is none: below zero it would lower the cost."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None
