"""What a setting takes, and what is said about what it does not take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.catalog import ASPECTS, DEFAULT_MODEL, MODELS, Model
from nanobanana_cli.settings import validators
from nanobanana_cli.settings.validators import InvalidValue

PRO = "gemini-3-pro-image-preview"
SMALL = "gemini-2.5-flash-image"


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_every_ratio_and_size_of_the_catalog_passes(model: Model) -> None:
    assert [validators.aspect(aspect, model.id) for aspect in model.aspects] == list(model.aspects)
    assert [validators.size(size.lower(), model.id) for size in model.sizes] == list(model.sizes)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("16x9", "16:9"),
        ("16X9", "16:9"),
        ("16×9", "16:9"),
        ("square", "1:1"),
        ("Landscape", "16:9"),
        ("portrait", "9:16"),
        ("AUTO", "auto"),
    ],
)
@pytest.mark.parametrize("model", [DEFAULT_MODEL, "nobody-knows"])
def test_a_ratio_has_other_names(typed: str, meant: str, model: str) -> None:
    assert validators.aspect(typed, model) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("16/9", "16:9"),
        ("1920x1080", "16:9"),
        ("9-16", "9:16"),
        ("2.35:1", "21:9"),
    ],
)
def test_a_ratio_spelt_otherwise_gets_the_one_of_that_shape_as_a_hint(
    typed: str, meant: str
) -> None:
    with pytest.raises(InvalidValue, match=f"^is not an aspect ratio of {DEFAULT_MODEL}$") as wrong:
        validators.aspect(typed, DEFAULT_MODEL)
    assert wrong.value.hint == f"did you mean {meant}? one of {', '.join(ASPECTS)}"


@pytest.mark.parametrize("typed", ["", "wide", "0:9", "16:0", " 16:9", "16:9\n", "١٦:٩", ":"])
def test_what_is_no_ratio_is_refused_by_every_model(typed: str) -> None:
    for model in (DEFAULT_MODEL, "a-model-of-tomorrow"):
        with pytest.raises(InvalidValue):
            validators.aspect(typed, model)


def test_a_ratio_of_other_models_says_which() -> None:
    with pytest.raises(InvalidValue) as wrong:
        validators.aspect("1:8", PRO)
    assert wrong.value.hint is not None
    assert "1:8 works with gemini-3.1-flash-image-preview" in wrong.value.hint


def test_a_size_of_other_models_says_which() -> None:
    with pytest.raises(InvalidValue, match=f"^is not an image size of {SMALL}$") as wrong:
        validators.size("4K", SMALL)
    assert wrong.value.hint is not None
    assert wrong.value.hint.startswith(
        "this model takes 1K, 2K; 4K works with gemini-3.1-flash-image"
    )


@pytest.mark.parametrize("typed", ["512", "0.5K", "0.5k", "512px", "512PX"])
def test_the_smallest_size_has_several_spellings(typed: str) -> None:
    assert validators.size(typed, DEFAULT_MODEL) == "0.5K"


@pytest.mark.parametrize(
    ("typed", "meant"), [("1024", "1K"), ("2048", "2K"), ("2048px", "2K"), ("4096", "4K")]
)
def test_a_size_may_be_in_pixels(typed: str, meant: str) -> None:
    assert validators.size(typed, DEFAULT_MODEL) == meant


@pytest.mark.parametrize(
    ("typed", "meant"), [("8K", "4K"), ("2000", "2K"), ("1000px", "1K"), ("2", "2K")]
)
def test_another_size_gets_the_nearest_as_a_hint(typed: str, meant: str) -> None:
    with pytest.raises(InvalidValue) as wrong:
        validators.size(typed, DEFAULT_MODEL)
    assert wrong.value.hint == f"did you mean {meant}? one of 0.5K, 1K, 2K, 4K"


def test_a_model_that_the_catalog_does_not_know_takes_what_looks_right() -> None:
    assert validators.model("gemini-4-image") == "gemini-4-image"
    assert validators.aspect("7:3", "gemini-4-image") == "7:3"
    assert validators.size("8k", "gemini-4-image") == "8K"


@pytest.mark.parametrize("typed", ["", "big", "K", "-2K"])
def test_what_is_no_size_is_refused_for_an_unknown_model(typed: str) -> None:
    with pytest.raises(InvalidValue, match=r"^is not an image size$"):
        validators.size(typed, "gemini-4-image")


@pytest.mark.parametrize("typed", ["", "a model", "x\x1b[31m", "mödel"])
def test_a_model_id_is_visible_ascii(typed: str) -> None:
    with pytest.raises(InvalidValue, match=r"^is not a model id$"):
        validators.model(typed)


def test_a_mistyped_provider_gets_the_nearest_as_a_hint() -> None:
    with pytest.raises(InvalidValue) as wrong:
        validators.provider("Gogle")
    assert wrong.value.hint == "did you mean google? one of wisgate, google, sandbox"


@pytest.mark.parametrize(("typed", "seconds"), [("30", 30.0), ("0.5", 0.5), ("86400", 86400.0)])
def test_a_deadline_is_in_seconds(typed: str, seconds: float) -> None:
    assert validators.timeout(typed) == seconds


@pytest.mark.parametrize(
    "typed", ["0", "-1", "nan", "inf", "-inf", "86401", "1e400", "1_0", "٣", "30s", ""]
)
def test_what_is_no_deadline_is_refused(typed: str) -> None:
    with pytest.raises(InvalidValue, match=r"^is not a deadline$"):
        validators.timeout(typed)


@pytest.mark.parametrize(("typed", "size"), [("200", 200 << 20), ("4096", 4 << 30)])
def test_a_memory_limit_is_in_mib(typed: str, size: int) -> None:
    assert validators.memory_limit(typed) == size


@pytest.mark.parametrize("typed", ["", "0", "199", "-600", "600M", "6e2", "99999999", "inf"])
def test_a_memory_limit_leaves_room_for_a_picture(typed: str) -> None:
    with pytest.raises(InvalidValue, match="is not an amount of memory") as refused:
        validators.memory_limit(typed)
    assert refused.value.hint == "whole MiB, 200 or more, such as 600"


@pytest.mark.parametrize("typed", ["-1", "21", "1.0", "", "٣", "9" * 5000])
def test_retries_are_a_whole_number_up_to_20(typed: str) -> None:
    assert [validators.retries(good) for good in ("0", "3", "20")] == [0, 3, 20]
    with pytest.raises(InvalidValue, match=r"^is not a number of retries$"):
        validators.retries(typed)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("30m", 1800),
        ("90s", 90),
        ("2h", 7200),
        ("1h30m", 5400),
        ("0.5s", 0.5),
        ("45", 45),
        ("0", 0),
    ],
)
def test_a_wait_is_a_duration(typed: str, seconds: float) -> None:
    assert validators.wait(typed) == seconds


@pytest.mark.parametrize(
    "typed", ["", "-1", "30 m", "m", "1d", "30M", "169h", "1.2.3s", "٣m", "1e3"]
)
def test_what_is_no_duration_is_refused(typed: str) -> None:
    with pytest.raises(InvalidValue, match=r"^is not a duration$"):
        validators.wait(typed)


@pytest.mark.parametrize(
    "typed", ["-1", "nan", "inf", "sNaN", "1e999999999", "$1", "1_0", "\u0661"]
)
def test_a_budget_is_an_amount_in_dollars(typed: str) -> None:
    assert [validators.max_cost(good) for good in ("0", "0.174", "2")] == [0, 174_000, 2_000_000]
    with pytest.raises(InvalidValue, match=r"^is not an amount in dollars$"):
        validators.max_cost(typed)


@pytest.mark.parametrize(
    "parse",
    [
        validators.provider,
        validators.model,
        validators.timeout,
        validators.retries,
        validators.wait,
        validators.max_cost,
        lambda text: validators.aspect(text, DEFAULT_MODEL),
        lambda text: validators.size(text, DEFAULT_MODEL),
        lambda text: validators.size(text, "unknown"),
    ],
)
@given(text=st.text() | st.from_regex(r"[0-9.eE+:xK/-]{0,12}", fullmatch=True))
def test_any_text_is_a_value_or_wrong(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(InvalidValue):
        parse(text)


# Addresses: the key goes wherever they point.


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://wisgate.ai", "https://wisgate.ai"),
        ("https://wisgate.ai/", "https://wisgate.ai"),
        ("HTTPS://API.WisGate.AI:8443/Proxy/", "https://api.wisgate.ai:8443/Proxy"),
        ("https://wisgate.ai/v1beta", "https://wisgate.ai"),
        ("https://gate.example/gemini/v1beta/", "https://gate.example/gemini"),
        ("https://gate.example/v1beta/v1beta", "https://gate.example"),
        ("https://gate.example/v1beta/v1beta/models/m:generateContent", "https://gate.example"),
        ("https://gate.example/v1beta/models", "https://gate.example"),
        ("https://gate.example/v1beta/models/", "https://gate.example"),
        ("https://gate.example/v1beta/models/m:generateContent", "https://gate.example"),
        ("https://gate.example/a/v1beta/models/m", "https://gate.example/a"),
        ("https://gate.example/v1", "https://gate.example/v1"),
        ("https://gate.example/models", "https://gate.example/models"),
        ("https://v.example/v1/publishers/google/", "https://v.example/v1/publishers/google"),
        (
            "https://v.example/v1/publishers/google/models/m:streamGenerateContent",
            "https://v.example/v1/publishers/google",
        ),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_address_is_brought_into_one_form(typed: str, url: str) -> None:
    assert validators.base_url(typed) == url


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "is not an address"),
        ("wisgate.ai", "is not an http"),
        ("ftp://wisgate.ai", "is not an http"),
        ("https://", "is not an http"),
        ("https:///path", "is not an http"),
        ("https://a:0", "is not an http"),
        ("https://a:99999", "is not an http"),
        ("https://a:b", "is not an http"),
        ("https://[::1", "is not an http"),
        ("https://[:::]", "is not an http"),
        ("https://[1.2.3.4]", "is not an http"),
        ("https://a..b", "is not an http"),
        ("https://.a", "is not an http"),
        (f"https://{'a' * 64}.b", "is not an http"),
        ("https://evil.example\\.wisgate.ai", "is not an http"),
        ("https://wisgate.ai\n.evil.example", "is not an address"),
        ("https://wisgate.ai /", "is not an address"),
        ("https://wisgäte.ai", "is not an address"),
        ("http://wisgate.ai", "would send the key unencrypted"),
        ("http://127.0.0.1.evil.example", "would send the key unencrypted"),
        ("http://localhost.evil.example", "would send the key unencrypted"),
        ("http://10.0.0.1", "would send the key unencrypted"),
        ("https://user:password@wisgate.ai", "contains a user name or password"),
        ("https://wisgate.ai?key=abc", "contains a query or fragment"),
        ("https://wisgate.ai#abc", "contains a query or fragment"),
    ],
)
def test_what_is_no_plain_address_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as wrong:
        validators.base_url(typed)
    assert wrong.value.reason.startswith(reason)
    assert wrong.value.secret == reason.startswith("contains")


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://wisgate.ai", "wisgate"),
        ("https://api.wisgate.ai/x", "wisgate"),
        ("https://wisgate.ai./x", "wisgate"),
        ("https://generativelanguage.googleapis.com", "google"),
        ("https://notwisgate.ai", None),
        ("http://127.0.0.1:80", None),
    ],
)
def test_a_host_has_an_owner(url: str, provider: str | None) -> None:
    assert validators.provider_at(url) == provider


@given(st.from_regex(r"https?://[ -~]{0,30}", fullmatch=True) | st.text())
def test_any_text_is_an_address_or_wrong(text: str) -> None:
    try:
        url = validators.base_url(text)
    except InvalidValue:
        return
    assert validators.base_url(url) == url
    assert url.startswith("https://") or validators.is_loopback(validators.host(url))


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ("https://a.example/v1beta/models/m-1.5:generateContent", "m-1.5"),
        ("https://a.example/v1beta/models/a%2Fb:streamGenerateContent", "a/b"),
        ("https://a.example/v1/publishers/google/models/m:generateContent", "m"),
        ("https://a.example/v1/models/m:generateContent", "m"),
        ("https://a.example/v1beta/models", None),
        ("https://a.example", None),
    ],
)
def test_a_pasted_call_names_its_model(typed: str, model: str | None) -> None:
    assert validators.split_address(typed)[1] == model


@pytest.mark.parametrize(
    "url",
    [
        "https://aiplatform.googleapis.com/v1/publishers/google",
        "https://europe-west4-aiplatform.googleapis.com/v1/publishers/google",
    ],
)
def test_vertex_belongs_to_google(url: str) -> None:
    assert validators.provider_at(url) == "google"
    assert validators.provider_at("https://notaiplatform.googleapis.com") is None


def test_a_model_may_carry_its_folder() -> None:
    assert validators.model("models/gemini-3-pro-image") == "gemini-3-pro-image"
    with pytest.raises(InvalidValue):
        validators.model("models/")
