"""Money: what is said before a call, asked, refused, and what it has cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.pty_run import run_in_pty
from support.replies import failed, image_part, made, picture, reply
from support.wire_server import Answer, WireServer

if TYPE_CHECKING:
    from conftest import Nb

KEY = "sk-very-secret-key-123"
OWN = "https://gateway.example/gemini"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    with WireServer(made()) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        yield server


@pytest.fixture
def images() -> list[str]:
    folder = Path("img")
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(picture(8, 8))
    return [str(path) for path in sorted(folder.iterdir())]


def _configure(nb: Nb, **values: str) -> None:
    for name, value in values.items():
        assert nb("config", "set", name.replace("_", "-"), value).code == 0


def _text(text: str = "A fox.") -> Answer:
    return Answer(200, body=reply({"text": text}))


# What is said before a call.


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-s", "4K"], "1 image would cost $0.058"),
        (["-n", "3"], "3 images would cost $0.174"),
        (["-m", "pro"], "the price of 1 image is unknown"),
        (["--provider", "google"], "1 image would cost about $0.0374"),
        (["--provider", "google", "-i", "a.png", "--search"], "would cost about $0.0531"),
        (["--provider", "sandbox", "-n", "3"], "3 images would cost nothing"),
        (["--base-url", OWN], "the price of 1 image is unknown"),
    ],
)
def test_a_dry_run_says_the_price(nb: Nb, argv: list[str], said: str) -> None:
    Path("a.png").write_bytes(picture())
    run = nb("generate", "fox", "--dry-run", *argv)
    assert run.code == 0
    assert run.err.endswith(f"{said}\n")


def test_a_price_for_an_address_of_ones_own(nb: Nb) -> None:
    _configure(nb, price="0.04")
    run = nb("generate", "fox", "-n", "2", "--dry-run", "--base-url", OWN)
    assert run.err.endswith("2 images would cost $0.08\n")
    assert nb("generate", "fox", "--dry-run").err.endswith("1 image would cost $0.058\n")
    run = nb("generate", "fox", "--dry-run", "--base-url", OWN, "--max-cost", "0.03")
    assert run.code == 8


def test_an_unknown_price_at_an_address_of_ones_own_names_the_way_out(nb: Nb) -> None:
    run = nb("generate", "fox", "--dry-run", "--base-url", OWN, "--max-cost", "5")
    assert run.code == 8
    assert f"at {OWN} is unknown, so --max-cost cannot be kept" in run.err
    assert "nb config set price" in run.err


@pytest.mark.usefixtures("server")
def test_the_price_that_the_user_names_is_the_cost(nb: Nb) -> None:
    _configure(nb, price="0.04")
    assert json.loads(nb("generate", "fox", "--json").out)["cost_usd"] == 0.04


# What it has cost.


def _usage(prompt: int, output: int, thinking: int, texts: int = 0) -> dict[str, object]:
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": thinking,
        "totalTokenCount": prompt + output + thinking,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": output - texts},
            {"modality": "TEXT", "tokenCount": texts},
        ],
    }


def _costly(**more: object) -> Answer:
    return Answer(200, body=reply({"text": "A fox."}, image_part(picture(1024, 1024)), **more))


@pytest.mark.parametrize(("provider", "cost"), [("google", 0.039375), ("wisgate", None)])
def test_tokens_are_counted_where_they_are_billed(nb: Nb, provider: str, cost: float) -> None:
    # (30 at $1.50 + 400 and 310 at $7.50 + 1,120 at $30) / 1,000,000, with 310 of thinking.
    answer = _costly(usageMetadata=_usage(30, 1120 + 400, 310, texts=400))
    with WireServer(answer) as server:
        run = nb(
            *("generate", "fox", "--alt", "--json", "-m", "nb2.1", "--provider", provider),
            env={"NB_BASE_URL": server.url, "GEMINI_API_KEY": KEY, "WISDOM_GATE_KEY": KEY},
        )
    record = json.loads(run.out)
    expected = None if cost is None else (30 * 1.5 + 710 * 7.5 + 1120 * 30) / 1_000_000
    assert record["cost_usd"] == (None if expected is None else round(expected, 6))
    assert record["usage"]["thinking_tokens"] == 310


def test_search_queries_cost(nb: Nb) -> None:
    found = json.loads(_costly().body)
    found["candidates"][0]["groundingMetadata"] = {
        "webSearchQueries": ["foxes", "red foxes"],
        "imageSearchQueries": ["fox"],
    }
    found["usageMetadata"] = _usage(8, 1120, 0)
    with WireServer(Answer(200, body=json.dumps(found).encode())) as server:
        run = nb(
            *("generate", "fox", "--search", "--json", "-m", "nb2", "--provider", "google"),
            env={"NB_BASE_URL": server.url, "GEMINI_API_KEY": KEY},
        )
    assert json.loads(run.out)["cost_usd"] == 0.067204 + 3 * 0.014
    assert json.loads(server.requests[0].body)["tools"] == [{"googleSearch": {}}]


# Texts.


def test_a_limit_does_not_switch_captions_off(nb: Nb, images: list[str]) -> None:
    with WireServer(_text()) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY, "NB_MAX_COST": "0.50"}
        run = nb("caption", images[0], "--json", env=env)
        assert run.code == 0
        assert json.loads(run.out)["cost_usd"] == 0.058
        run = nb("caption", *images, "--max-cost", "0.2", env=env)
    assert run.code == 8
    assert "4 texts would cost at most $0.232, and --max-cost is $0.20" in run.err
    assert len(server.requests) == 1


def test_texts_that_exist_cost_nothing(nb: Nb, images: list[str]) -> None:
    for image in images[:3]:
        Path(image).with_suffix(".alt.txt").write_text("A fox.")
    with WireServer(_text()) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY, "NB_MAX_COST": "0.06"}
        shown = nb("caption", *images, "--write", "--dry-run", env=env)
        assert shown.err.endswith("1 text would cost at most $0.058\n")
        assert json.loads(shown.out)["method"] == "POST"
        assert nb("caption", *images, "--write", env=env).code == 0
        again = nb("caption", *images, "--write", env={**env, "NB_MAX_COST": "0"})
        assert again.code == 0
        assert nb("caption", *images, "--write", "--again", env=env).code == 8
    assert len(server.requests) == 1


def test_a_caption_at_google_costs_next_to_nothing(nb: Nb, images: list[str]) -> None:
    run = nb("caption", images[0], "--dry-run", "--provider", "google", "--max-cost", "0.002")
    assert run.code == 0
    assert "1 text would cost about $0.00" in run.err


# Consent.


def test_much_is_not_spent_unasked(nb: Nb, server: WireServer) -> None:
    _configure(nb, confirm_above="0.1")
    asked = ("generate", "fox", "-n", "2")
    run = nb(*asked)
    assert (run.code, run.out, server.requests) == (2, "", [])
    assert run.err.splitlines()[:2] == [
        "nb: 2 images could cost $0.116, more than $0.10, and nobody can be asked",
        "hint: --yes allows it, and so does --max-cost where prices are known",
    ]
    assert nb("generate", "fox").code == 0
    assert nb(*asked, "--yes").code == 0
    assert nb(*asked, "--max-cost", "0.2").code == 0
    assert nb(*asked, env={"NB_MAX_COST": "0.2"}).code == 0
    assert nb(*asked, "--dry-run").code == 0
    assert nb(*asked, "--provider", "sandbox", env={"NB_BASE_URL": ""}).code == 0
    assert len(server.requests) == 7


@pytest.mark.usefixtures("server")
def test_a_limit_from_a_repository_is_no_consent(nb: Nb) -> None:
    _configure(nb, confirm_above="0.1")
    Path("nb.toml").write_text("max-cost = 100")
    assert nb("generate", "fox", "-n", "2").code == 2
    _configure(nb, max_cost="100")
    assert nb("generate", "fox", "-n", "2").code == 0
    Path("nb.toml").unlink()
    assert nb("generate", "fox", "-n", "2").code == 0


def test_an_unknown_price_counts_as_a_quarter_dollar(nb: Nb, server: WireServer) -> None:
    fox = ("generate", "fox", "-m", "gemini-9-image", "-n")
    run = nb(*fox, "41")
    assert (run.code, server.requests) == (2, [])
    assert "the price of 41 images is unknown, perhaps $10.25, more than $10.00" in run.err
    _configure(nb, confirm_above="0.5")
    assert nb(*fox, "2").code == 0


def test_thousands_of_captions_are_not_begun(nb: Nb, server: WireServer) -> None:
    folder = Path("img")
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.png").write_bytes(picture(8, 8))
    run = nb("caption", "-r", "img", "--write")
    assert (run.code, server.requests) == (2, [])
    assert "200 texts could cost at most $11.60" in run.err
    # Only what lacks a text counts.
    for number in range(100):
        (folder / f"{number}.alt.txt").write_text("A fox.")
    with WireServer(failed(401, "no")) as refusing:
        run = nb("caption", "-r", "img", "--write", env={"NB_BASE_URL": refusing.url})
    assert run.code == 4


@pytest.mark.parametrize(("typed", "code"), [("y\r", 0), ("n\r", 2), ("\r", 2), ("\x04", 2)])
def test_a_terminal_is_asked(nb: Nb, server: WireServer, typed: str, code: int) -> None:
    _configure(nb, confirm_above="0.1")
    found, screen = run_in_pty(
        *("generate", "fox", "-n", "2", "--no-color"), typed=typed, after="[y/N]"
    )
    assert "2 images could cost $0.116; go on? [y/N]" in screen
    assert found == code
    assert len(server.requests) == (2 if code == 0 else 0)


# Models.


@pytest.mark.parametrize("provider", ["google", "wisgate", "sandbox"])
def test_a_retired_model_is_told_before_the_call(nb: Nb, provider: str) -> None:
    run = nb(
        *("generate", "fox", "--provider", provider, "-m", "gemini-2.5-flash-image", "--dry-run")
    )
    assert run.code == 0
    assert run.err.startswith(
        "note: gemini-2.5-flash-image was shut down at Google on 2026-10-02; "
        "its successor is gemini-nano-banana-2.1\n"
    )
    assert "note:" not in nb("generate", "fox", "--provider", provider, "--dry-run").err


def test_a_deprecated_model_is_told_too(nb: Nb) -> None:
    run = nb("generate", "fox", "--provider", "google", "-m", "nb2", "--dry-run")
    assert run.err.startswith("note: gemini-3.1-flash-image has been deprecated at Google since ")


def test_the_hint_of_a_404_names_the_successor(nb: Nb) -> None:
    missing = failed(404, "models/x is not found for API version v1beta", "NOT_FOUND")
    row = {"prompt": "fox", "model": "gemini-2.5-flash-image"}
    Path("m.jsonl").write_text(json.dumps(row))
    with WireServer(missing) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY}
        default, living, unknown = (
            nb("generate", "fox", *argv, env=env)
            for argv in ([], ["-m", "lite"], ["-m", "gemini-9-image"])
        )
        batch = nb("batch", "m.jsonl", env=env)
    assert default.code == living.code == unknown.code == 7
    assert "try its successor with --model gemini-nano-banana-2.1, or see" in default.err
    for run in (living, unknown):
        assert "hint: the model may be retired: see `nb models`\n" in run.err
    assert "gemini-2.5-flash-image was shut down at Google on 2026-10-02" in batch.err


@pytest.mark.parametrize(
    ("provider", "model", "size"),
    [
        ("google", "gemini-2.5-flash-image", None),
        ("google", "lite", None),
        ("wisgate", "lite", None),
        ("wisgate", "gemini-2.5-flash-image", "1K"),
        ("google", "pro", "1K"),
        ("google", "gemini-9-image", "1K"),
    ],
)
def test_a_model_of_one_size_is_not_told_it(
    nb: Nb, provider: str, model: str, size: str | None
) -> None:
    run = nb("generate", "fox", "--provider", provider, "-m", model, "--dry-run")
    config = json.loads(run.out)["body"]["generationConfig"]["imageConfig"]
    assert config == {"aspectRatio": "1:1"} | ({} if size is None else {"imageSize": size})


def test_sizes_differ_by_provider(nb: Nb) -> None:
    argv = ("generate", "fox", "-m", "gemini-2.5-flash-image", "-s", "2k", "--dry-run")
    assert nb(*argv).code == 0
    assert nb(*argv, "--provider", "google").code == 2


@pytest.mark.parametrize(
    ("model", "level", "code"),
    [
        ("nb2", "HIGH", 0),
        ("nb2", "Minimal", 0),
        ("nb2", "medium", 2),
        ("nb2.1", "Medium", 0),
        ("pro", "high", 2),
        ("lite", "high", 0),
        ("nb2.1", "low", 2),
    ],
)
def test_thinking_takes_any_case_and_the_models_levels(
    nb: Nb, model: str, level: str, code: int
) -> None:
    run = nb("generate", "fox", "-m", model, "--thinking", level, "--dry-run")
    assert run.code == code
    if code == 0:
        config = json.loads(run.out)["body"]["generationConfig"]
        assert config["thinkingConfig"] == {"thinkingLevel": level.lower()}
    row = {"prompt": "fox", "model": model, "thinking": level}
    Path("m.jsonl").write_text(json.dumps(row))
    batch = nb("batch", "m.jsonl", "--dry-run", "--json")
    assert batch.code == code
    if code == 0:
        Path("m.jsonl").write_text(json.dumps({**row, "thinking": level.lower()}))
        lower = nb("batch", "m.jsonl", "--dry-run", "--json")
        prints = [json.loads(run.out)["fingerprint"] for run in (batch, lower)]
        assert prints[0] == prints[1]


def test_a_batch_counts_what_google_billed(nb: Nb) -> None:
    rows = [{"prompt": f"fox {number}", "model": "nb2"} for number in range(3)]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with WireServer(made()) as server:
        run = nb(
            *("batch", "m.jsonl", "--provider", "google", "--max-cost", "1"),
            env={"NB_BASE_URL": server.url, "GEMINI_API_KEY": KEY},
        )
    assert run.code == 0
    assert "for $0.201612" in run.err
    lines = [json.loads(line) for line in Path("m.ledger.jsonl").read_text().splitlines()]
    written = [line["cost_usd"] for line in lines if line["event"] == "written"]
    assert written == [0.067204] * 3
