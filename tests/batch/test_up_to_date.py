"""Up to date is what was asked of the model, and what the file shows: nothing else costs again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from support.counting_server import CountingServer, image
from support.ledgers import as_form_1
from support.tools import require

ROW: dict[str, Any] = {"prompt": "fox", "output": "fox.png"}
BASE = ("--base-url", "http://127.0.0.1:9")


@pytest.fixture
def server() -> Any:
    with CountingServer() as server:
        yield server


def write(*rows: dict[str, Any]) -> None:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))


def make(nb: Nb, server: CountingServer, *rows: dict[str, Any]) -> None:
    write(*rows)
    run = nb("batch", "m.jsonl", env=server.env)
    assert run.code == 0, run.err
    server.calls.clear()


def plan(nb: Nb, *options: str) -> list[tuple[str, str | None]]:
    run = nb("batch", "m.jsonl", "--dry-run", "--json", *options)
    assert run.code == 0, run.err
    return [(line["plan"], line["reason"]) for line in map(json.loads, run.out.splitlines())]


@pytest.mark.parametrize(
    "options",
    [
        (),
        BASE,
        ("--base-url", "https://gateway.example/v1"),
        # The default model is another one there, and the row leaves it open.
        ("--provider", "google"),
        ("--provider", "sandbox"),
        ("--alt",),
        ("--aspect", "1:1"),
        ("--size", "1K"),
        ("--model", "gemini-3.1-flash-image-preview"),
    ],
)
def test_who_is_asked_and_what_is_written_out_is_no_change(
    nb: Nb, server: CountingServer, options: tuple[str, ...]
) -> None:
    make(nb, server, ROW)
    state = "text" if "--alt" in options else "unchanged"
    assert [each for each, _ in plan(nb, *options)] == [state]


@pytest.mark.parametrize(
    "more",
    [
        {"thinking": "minimal"},
        {"thinking": "MINIMAL", "search": False, "system": ""},
        {"aspect": "square"},
        {"size": "1k", "model": "nb2"},
        {"alt": False},
        {"format": "png"},
    ],
)
def test_defaults_may_be_written_out_and_left_out_again(
    nb: Nb, server: CountingServer, more: dict[str, Any]
) -> None:
    make(nb, server, ROW)
    write({**ROW, **more})
    assert plan(nb, *BASE) == [("unchanged", None)]
    Path("fox.png").unlink()
    Path("m.ledger.jsonl").unlink()
    make(nb, server, {**ROW, **more})
    write(ROW)
    assert plan(nb, *BASE) == [("unchanged", None)]


def test_a_row_that_names_its_model_keeps_it(nb: Nb, server: CountingServer) -> None:
    model = "gemini-3.1-flash-image-preview"
    make(nb, server, {**ROW, "model": model})
    assert plan(nb, "--provider", "google") == [("unchanged", None)]
    write({**ROW, "model": "gemini-nano-banana-2.1"})
    assert plan(nb, "--provider", "google") == [("changed", "model")]


def test_the_plan_names_what_changed(nb: Nb, server: CountingServer) -> None:
    for name in ("hero", "hat"):
        Path(f"{name}.png").write_bytes(image(name))
    row = {**ROW, "images": ["hero.png", "hat.png"], "seed": 7}
    make(nb, server, row)
    for change, reason in (
        ({"prompt": "owl"}, "prompt"),
        ({"size": "2K", "aspect": "16:9"}, "aspect, size"),
        ({"seed": 8}, "seed"),
        ({"images": ["hat.png", "hero.png"]}, "order of the references"),
        ({"images": ["hero.png"]}, "1 reference less"),
        ({"thinking": "high", "search": True}, "thinking, search"),
    ):
        write({**row, **change})
        assert plan(nb, *BASE) == [("changed", reason)]
    write(row)
    Path("hero.png").write_bytes(image("another hero"))
    assert plan(nb, *BASE) == [("changed", "reference hero.png")]


def test_a_prompt_is_in_no_ledger(nb: Nb, server: CountingServer) -> None:
    make(nb, server, {"prompt": "something secret", "output": "x.png", "system": "hush"})
    ledger = Path("m.ledger.jsonl").read_text()
    assert "secret" not in ledger.replace("of something secret", "")
    assert "hush" not in ledger
    intent = json.loads(ledger.splitlines()[0])
    assert intent["form"] == 2
    assert set(intent["asked"]) == {"prompt", "model", "aspect", "size", "thinking", "system"}


def test_images_of_old_ledgers_are_not_paid_for_again(nb: Nb, server: CountingServer) -> None:
    make(nb, server, ROW)
    as_form_1("m.ledger.jsonl", "fox")
    for more in ({}, {"alt": True}, {"thinking": "minimal"}):
        write({**ROW, **more})
        states = [state for state, _ in plan(nb, *BASE)]
        assert states == (["text"] if "alt" in more else ["unchanged"]), more
    write({**ROW, "size": "2K"})
    assert plan(nb, *BASE) == [("changed", "the request changed")]
    # Their other ones are compared by all that the files hold.
    write(ROW)
    assert nb("batch", "m.jsonl", env=server.env).code == 0
    assert not server.calls


@pytest.mark.parametrize("line", ['{"event":"written","form":3,"id":1}', '{"form": 17}'])
def test_a_ledger_of_a_form_to_come(nb: Nb, server: CountingServer, line: str) -> None:
    make(nb, server, ROW)
    with Path("m.ledger.jsonl").open("a") as ledger:
        ledger.write(line + "\n")
    for options in ((), ("--check",), ("--dry-run",)):
        run = nb("batch", "m.jsonl", *options, env=server.env)
        form = json.loads(line)["form"]
        assert run.code == 6
        assert run.err.startswith(
            f"nb: ledger m.ledger.jsonl:4 has form {form}, and this nb knows forms up to 2\nhint: "
        )
    assert not server.calls


def _exiftool(path: str) -> None:
    options = ("-overwrite_original", "-Title=Fox", "-Artist=me", "-Comment=x")
    subprocess.run([require("exiftool"), *options, path], check=True, capture_output=True)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_metadata_makes_no_other_image(nb: Nb, server: CountingServer, suffix: str) -> None:
    make(nb, server, {**ROW, "output": f"fox{suffix}"})
    before = Path(f"fox{suffix}").read_bytes()
    _exiftool(f"fox{suffix}")
    assert Path(f"fox{suffix}").read_bytes() != before
    assert plan(nb, *BASE) == [("unchanged", None)]
    run = nb("caption", f"fox{suffix}", "--embed", "--provider", "sandbox")
    assert run.code == 0, run.err
    assert plan(nb, *BASE) == [("unchanged", None)]
    # Another picture is another one.
    shutil.copy(f"fox{suffix}", "mine")
    run = nb("generate", "owl", "--provider", "sandbox", "-o", f"fox{suffix}", "--force")
    assert run.code == 0, run.err
    assert plan(nb, *BASE) == [("changed", "was edited since it was made")]
