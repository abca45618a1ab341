"""Equal fingerprints stand for equal requests, and for nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.api import request
from nanobanana_cli.batch import asked, form_1
from nanobanana_cli.batch.item import Item, RowSettings
from nanobanana_cli.types import Parameters, Reference

NONE = Parameters()
settings = st.builds(
    RowSettings,
    model=st.sampled_from(["m", "n"]),
    aspect=st.sampled_from(["1:1", "16:9"]),
    size=st.sampled_from(["1K", "2K"]),
    format=st.none(),
)
parameters = st.builds(
    Parameters,
    thinking=st.sampled_from([None, "high"]),
    search=st.sampled_from([None, False, True]),
    system=st.sampled_from([None, "", "s", "a"]),
    temperature=st.sampled_from([None, 0.0, 1.0]),
    seed=st.sampled_from([None, 0, 1]),
)
items = st.tuples(
    st.sampled_from(["a", "b", "\ud800"]),
    settings,
    st.lists(st.sampled_from([b"1", b"2"]), max_size=2),
    parameters,
)


def sent(each: tuple[str, RowSettings, list[bytes], Parameters]) -> tuple[bytes, str]:
    """What goes over the wire, and the fingerprint."""
    prompt, chosen, images, wanted = each
    references = [Reference("x", "image/png", data) for data in images]
    shape = chosen.model, chosen.aspect, chosen.size
    hashes = [hashlib.sha256(data).hexdigest() for data in images]
    parts = asked.parts(prompt, shape, wanted, hashes, frozenset())
    item = Item(1, prompt, chosen, (), wanted, asked.fingerprint(parts), parts, "x.png")
    body = request.build(item.request(references), "wisgate")
    return request.path(chosen.model).encode() + body, item.fingerprint


@given(items, items)
def test_equal_when_what_is_sent_is_equal(first: object, second: object) -> None:
    (one, mine), (other, theirs) = sent(first), sent(second)  # type: ignore[arg-type]
    assert (one == other) == (mine == theirs)


def parts(
    *, level: str | None = None, aspect: str = "1:1", builtin: Iterable[str] = ()
) -> dict[str, str]:
    shape = "gemini-3.1-flash-image-preview", aspect, "1K"
    return asked.parts("a", shape, Parameters(thinking=level), (), frozenset(builtin))


def test_a_default_equals_its_value_and_itself() -> None:
    default = parts(builtin=["aspect"])
    assert asked.changed(default, parts()) == asked.changed(parts(), default) == []
    # A built-in default that another release or provider has.
    assert asked.changed(default, parts(aspect="4:3", builtin=["aspect"])) == []
    assert asked.changed(default, parts(aspect="4:3")) == ["aspect"]
    assert asked.changed(parts(), parts(level="minimal")) == []
    assert asked.changed(parts(level="minimal"), parts()) == []
    assert asked.changed(parts(), parts(level="high")) == ["thinking"]


def test_what_is_recorded_has_no_words() -> None:
    prompt = "my secret prompt"
    recorded = asked.parts(prompt, ("m", "1:1", "1K"), Parameters(system="hush"), (), frozenset())
    assert not {"secret", "hush"} & set(" ".join(recorded.values()).split())
    assert all(len(value.removeprefix("default:")) == 16 for value in recorded.values())


def test_it_stays_from_release_to_release() -> None:
    # When this changes, names and shards do, and ledgers no longer say what is up to date.
    recorded = asked.parts("a red fox", ("m", "1:1", "1K"), NONE, (), frozenset())
    assert (
        asked.fingerprint(recorded)
        == "c806b1835a9741ac26ed3e31cc97c5e0d8f3688fbe62436104c7cc3c23826796"
    )
    every = Parameters(thinking="high", search=True, system="be brief", temperature=0.5, seed=7)
    recorded = asked.parts("a red fox", ("m", "16:9", "2K"), every, ["00" * 32], frozenset())
    assert (
        asked.fingerprint(recorded)
        == "0718e1e0353ae68668b7329b963c78787fea160760e982f93f97b80837c39413"
    )


def test_that_of_form_1_stays() -> None:
    # When this changes, every image that was made before is made, and paid for, again.
    assert form_1.fingerprint("wisgate", "a red fox", ("m", "1:1", "1K"), NONE) == (
        "d9b2572e2b0218a364dcabb12eb530c973128f084b637cb3c4514291721b2e80"
    )
    every = Parameters(thinking="high", search=True, system="be brief", temperature=0.5, seed=7)
    shape = "m", "16:9", "2K"
    references = [("image/png", "00")]
    found = form_1.fingerprint("wisgate", "a red fox", shape, every, references, alt=True)
    assert found == "a4e36ee1ae3c9603b7990bd61485601154f7cc8adcd5927c2018e6c005775115"
