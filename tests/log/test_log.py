"""`nb log` through the command, against servers that answer as the test says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.replies import failed, image_part, made, picture, reply
from support.texts import told
from support.wire_server import Answer, WireServer

from nanobanana_cli.sandbox.server import Sandbox

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def log() -> Path:
    return Path("~/.local/state/nanobanana-wisgate/log.sqlite").expanduser()


def env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lines(run: Run) -> list[dict[str, Any]]:
    assert run.code == 0, run.err
    return [json.loads(line) for line in run.out.splitlines()]


class TestALine:
    def test_holds_what_was_asked_for_and_what_came(self, nb: Nb, log: Path) -> None:
        data = picture(1376, 768)
        Path("ref.png").write_bytes(picture())
        with WireServer(made(data)) as server:
            words = ("--aspect", "16:9", "--thinking", "high", "-i", "ref.png", "-o", "fox.png")
            assert nb("generate", "a red fox", *words, env=env(server)).code == 0
            (line,) = lines(nb("log", "--json"))
        assert line.pop("time").endswith("Z")
        assert 0 <= line.pop("seconds") < 30
        ref = Path("ref.png")
        assert line == {
            "status": "written",
            "path": str(Path("fox.png").absolute()),
            "sha256": sha256(Path("fox.png")),
            "prompt": "a red fox",
            "provider": "wisgate",
            "model": "gemini-3.1-flash-image-preview",
            "settings": {
                "aspect": "16:9",
                "size": "1K",
                "thinking": "high",
                "base_url": server.url,
            },
            "references": [{"name": str(ref.absolute()), "sha256": sha256(ref)}],
            "alt": None,
            "cost_usd": 0.058,
            "charged": "yes",
            "response_id": "abc",
            "error": None,
        }
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700

    def test_is_there_for_each_image_of_a_run(self, nb: Nb) -> None:
        with WireServer(made()) as server:
            assert nb("generate", "a fox", "-n", "3", "-o", "fox.png", env=env(server)).code == 0
        found = lines(nb("log", "--json"))
        names = sorted(Path(each["path"]).name for each in found)
        assert names == ["fox-1.png", "fox-2.png", "fox-3.png"]

    def test_of_a_reply_with_two_images_is_one_call(self, nb: Nb) -> None:
        parts = [image_part(picture(1024, 1024, color=color)) for color in ("red", "blue")]
        with WireServer(Answer(body=reply(*parts))) as server:
            words = ("generate", "a fox", "--all", "-o", "fox.png")
            assert nb(*words, env=env(server)).code == 0
        second, first = lines(nb("log", "--json"))
        assert [first["cost_usd"], second["cost_usd"]] == [0.058, 0]
        assert (first["charged"], second["charged"]) == ("yes", "no")
        assert first["sha256"] == sha256(Path("fox.png"))
        assert second["sha256"] == sha256(Path("fox-2.png"))
        assert lines(nb("log", "--sum", "model", "--json"))[0]["calls"] == 1

    def test_of_a_reply_whose_first_image_is_damaged_has_the_cost_on_the_second(
        self, nb: Nb
    ) -> None:
        parts = [image_part(picture()[:-20]), image_part(picture(1024, 1024))]
        with WireServer(Answer(body=reply(*parts))) as server:
            words = ("generate", "a fox", "--all", "--json", "-o", "fox.png")
            run = nb(*words, env=env(server))
        assert run.code == 10
        shown = map(json.loads, run.out.splitlines())
        assert [(each["status"], each["cost_usd"]) for each in shown] == [
            ("failed", 0),
            ("written", 0.058),
        ]
        logged = {each["status"]: each for each in lines(nb("log", "--json"))}
        assert {name: each["charged"] for name, each in logged.items()} == {
            "failed": "no",
            "written": "yes",
        }
        assert logged["written"]["cost_usd"] == 0.058
        (total,) = lines(nb("log", "--sum", "model", "--json"))
        assert (total["calls"], total["cost_usd"]) == (1, 0.058)

    def test_of_a_crop_that_cannot_be_made_is_free_beside_one_that_can(self, nb: Nb) -> None:
        fits = ("--fit", "1200x630", "--fit", "300x200")
        with WireServer(made(picture(1024, 1024))) as server:
            words = ("generate", "a fox", *fits, "--json", "-o", "fox.png")
            run = nb(*words, env=env(server))
        assert (run.code, len(server.requests)) == (10, 1)
        shown = map(json.loads, run.out.splitlines())
        assert [(each["status"], each["cost_usd"]) for each in shown] == [
            ("failed", 0),
            ("written", 0.058),
        ]
        logged = {each["status"]: each for each in lines(nb("log", "--json"))}
        assert {name: (each["charged"], each["cost_usd"]) for name, each in logged.items()} == {
            "failed": ("no", 0),
            "written": ("yes", 0.058),
        }
        (total,) = lines(nb("log", "--sum", "model", "--json"))
        assert (total["calls"], total["cost_usd"]) == (1, 0.058)

    def test_of_crops_of_which_none_can_be_made_has_the_cost_once(self, nb: Nb) -> None:
        fits = ("--fit", "1200x630", "--fit", "300x200")
        with WireServer(made(picture(64, 64))) as server:
            run = nb("generate", "a fox", *fits, "--json", "-o", "fox.png", env=env(server))
        assert (run.code, len(server.requests)) == (10, 1)
        shown = map(json.loads, run.out.splitlines())
        assert [each["cost_usd"] for each in shown] == [0.058, 0]
        logged = {each["settings"]["fit"]: each for each in lines(nb("log", "--json"))}
        assert {name: each["cost_usd"] for name, each in logged.items()} == {
            "1200x630": 0.058,
            "300x200": 0,
        }
        (total,) = lines(nb("log", "--sum", "model", "--json"))
        assert (total["calls"], total["cost_usd"], total["unsure"]) == (1, 0.058, 0)

    def test_of_a_damaged_image_for_several_crops_is_unsure_once(self, nb: Nb) -> None:
        fits = ("--fit", "1200x630", "--fit", "300x200")
        with WireServer(made(picture()[:-20])) as server:
            run = nb("generate", "a fox", *fits, "--json", "-o", "fox.png", env=env(server))
        assert (run.code, len(server.requests)) == (10, 1)
        (line,) = lines(nb("log", "--json"))
        assert (line["charged"], line["cost_usd"]) == ("maybe", None)
        (total,) = lines(nb("log", "--sum", "model", "--json"))
        assert (total["calls"], total["cost_usd"], total["unsure"]) == (1, 0, 1)

    def test_is_there_for_each_row_of_a_batch(self, nb: Nb) -> None:
        Path("ref.png").write_bytes(picture())
        rows = [
            {"prompt": "a fox", "output": "fox.png", "images": ["ref.png"]},
            {"prompt": "an owl", "output": "owl.png"},
        ]
        Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        with WireServer(made()) as server:
            assert nb("batch", "rows.jsonl", env=env(server)).code == 0
        found = {Path(each["path"]).name: each for each in lines(nb("log", "--json"))}
        assert sorted(found) == ["fox.png", "owl.png"]
        ref = Path("ref.png")
        named = {"name": str(ref.absolute()), "sha256": sha256(ref)}
        assert found["fox.png"]["references"] == [named]
        for name, line in found.items():
            assert line["sha256"] == sha256(Path(name))
            assert line["path"] == str(Path(name).absolute())

    def test_is_there_for_a_text(self, nb: Nb) -> None:
        Path("fox.png").write_bytes(picture())
        with WireServer(told("A red fox in snow.")) as server:
            words = ("caption", "fox.png", "--lang", "de", "--write")
            assert nb(*words, env=env(server)).code == 0
        (line,) = lines(nb("log", "fox.png", "--json"))
        assert (line["prompt"], line["alt"]) == (None, "A red fox in snow.")
        assert line["sha256"] == sha256(Path("fox.png"))
        assert line["settings"]["lang"] == "de"
        assert (line["status"], line["charged"]) == ("written", "yes")

    def test_of_a_text_is_found_after_the_text_is_inside(self, nb: Nb) -> None:
        Path("fox.png").write_bytes(picture())
        with WireServer(told("A red fox in snow.")) as server:
            assert nb("caption", "fox.png", "--embed", env=env(server)).code == 0
        shutil.move("fox.png", "renard.png")
        (line,) = lines(nb("log", "renard.png", "--json"))
        assert line["alt"] == "A red fox in snow."

    def test_of_a_call_that_may_have_been_charged_has_no_cost(self, nb: Nb) -> None:
        with WireServer(Answer(200, body=reply({"text": "No, I will not."}))) as server:
            assert nb("generate", "a fox", "-o", "fox.png", env=env(server)).code == 9
        (line,) = lines(nb("log", "--json"))
        assert (line["status"], line["error"], line["charged"]) == ("failed", "refused", "maybe")
        assert (line["path"], line["cost_usd"]) == (None, None)
        assert lines(nb("log", "--sum", "provider", "--json")) == [
            {"key": "wisgate", "calls": 1, "cost_usd": 0.0, "unsure": 1}
        ]

    def test_is_not_there_for_what_is_known_to_be_free(self, nb: Nb, log: Path) -> None:
        with WireServer(failed(400)) as server:
            assert nb("generate", "a fox", env=env(server)).code == 7
        assert nb("generate", "a fox", "--dry-run").code == 0
        assert not log.exists()

    def test_of_an_image_without_a_place_finds_it_where_it_was_rescued(self, nb: Nb) -> None:
        Path("images").mkdir()
        slow = dataclasses.replace(made(), delay=0.5)
        with WireServer(slow) as server:

            def remove() -> None:
                while not server.requests:
                    time.sleep(0.01)
                shutil.rmtree("images")

            remover = threading.Thread(target=remove)
            remover.start()
            run = nb("generate", "a fox", "-o", "images/fox.png", env=env(server))
            remover.join()
        assert run.code == 6
        rescued = run.err.split("saved as ")[1].split("\n")[0]
        (line,) = lines(nb("log", rescued, "--json"))
        assert (line["status"], line["charged"], line["cost_usd"]) == ("failed", "yes", 0.058)

    def test_holds_no_key(self, nb: Nb, log: Path) -> None:
        with WireServer(made(responseId=f"id-{KEY}")) as server:
            words = ("generate", f"a fox {KEY}", "--system", KEY, "-o", "fox.png")
            assert nb(*words, env=env(server)).code == 0
        (line,) = lines(nb("log", "--json"))
        assert line["prompt"] == "a fox [key]"
        assert KEY.encode() not in log.read_bytes()

    def test_of_odd_text_is_kept(self, nb: Nb) -> None:
        odd = "a fox \x1b[31m \u202e é"
        with WireServer(made()) as server:
            assert nb("generate", odd, "-o", "fox\udcff.png", env=env(server)).code == 0
        (line,) = lines(nb("log", "fox\udcff.png", "--json"))
        assert line["prompt"] == odd
        assert line["path"].endswith("fox\\udcff.png")
        shown = nb("log").out
        assert "\x1b" not in shown
        assert "\u202e" not in shown


class TestNone:
    @pytest.mark.parametrize("how", ["variable", "file"])
    def test_is_kept(self, nb: Nb, log: Path, how: str) -> None:
        if how == "file":
            assert nb("config", "set", "log", "false").code == 0
        with WireServer(made()) as server:
            more = {"NB_LOG": "0"} if how == "variable" else {}
            assert nb("generate", "a fox", "-o", "fox.png", env=env(server) | more).code == 0
        assert not log.exists()
        run = nb("log", env=more)
        assert (run.code, run.out) == (0, "")
        origin = "NB_LOG" if how == "variable" else "config.toml"
        assert run.err.startswith("no log is kept: log is false, from ")
        assert run.err.endswith(f"{origin}\n")

    def test_a_project_file_decides_nothing(self, nb: Nb) -> None:
        Path("nb.toml").write_text("log = false")
        run = nb("generate", "a fox", "--provider", "sandbox")
        assert run.code == 2
        assert "log in" in run.err
        assert "not allowed in a project file" in run.err

    def test_value_but_a_choice(self, nb: Nb) -> None:
        run = nb("generate", "a fox", "--provider", "sandbox", env={"NB_LOG": "no"})
        assert run.code == 2
        assert "NB_LOG=no is not a choice\nhint: true or false" in run.err

    def test_is_there_yet(self, nb: Nb) -> None:
        run = nb("log")
        assert (run.code, run.err) == (0, "the log is empty: it gets a line for each paid call\n")

    def test_is_there_yet_and_the_time_is_wrong(self, nb: Nb) -> None:
        run = nb("log", "--since", "2026-13-01")
        assert run.code == 2
        assert "nb: --since 2026-13-01 is not a time\n" in run.err


class TestSandbox:
    def test_is_free(self, nb: Nb) -> None:
        assert nb("generate", "a fox", "--provider", "sandbox", "-o", "fox.png").code == 0
        (line,) = lines(nb("log", "--json"))
        assert (line["provider"], line["cost_usd"], line["charged"]) == ("sandbox", 0, "no")

    def test_is_free_at_an_address_too(self, nb: Nb) -> None:
        with Sandbox() as sandbox:
            at = {"NB_BASE_URL": sandbox.url, "WISDOM_GATE_KEY": KEY}
            assert nb("generate", "a fox", "-o", "fox.png", env=at).code == 0
        (line,) = lines(nb("log", "--json"))
        assert (line["provider"], line["cost_usd"], line["charged"]) == ("sandbox", 0, "no")


class TestAnImage:
    @pytest.fixture
    def fox(self, nb: Nb) -> Path:
        with WireServer(made(), made(picture(1024, 1024, color="navy"))) as server:
            words = ("generate", "a red fox", "-o", "fox.png")
            assert nb(*words, env=env(server)).code == 0
            assert nb("generate", "an owl", "-o", "owl.png", env=env(server)).code == 0
        return Path("fox.png")

    def prompts(self, nb: Nb, name: str | Path) -> list[str]:
        return [each["prompt"] for each in lines(nb("log", name, "--json"))]

    def test_is_found_where_it_is(self, nb: Nb, fox: Path) -> None:
        assert self.prompts(nb, fox) == ["a red fox"]

    def test_is_found_after_it_was_moved_and_described(self, nb: Nb, fox: Path) -> None:
        Path("elsewhere").mkdir()
        moved = Path(shutil.move(fox, "elsewhere/renard.png"))
        # Another has its name now.
        shutil.copy("owl.png", fox)
        assert self.prompts(nb, moved) == ["a red fox"]
        assert self.prompts(nb, fox) == ["an owl"]
        assert nb("caption", moved, "--text", "A red fox.", "--embed").code == 0
        assert self.prompts(nb, moved) == ["a red fox"]

    def test_that_is_gone_is_found_by_its_name(self, nb: Nb, fox: Path) -> None:
        fox.unlink()
        assert self.prompts(nb, fox) == ["a red fox"]

    def test_in_a_folder_is_found(self, nb: Nb, fox: Path) -> None:
        assert self.prompts(nb, fox.absolute().parent) == ["an owl", "a red fox"]
        Path("[ab]*").mkdir()
        assert nb("log", "[ab]*").code == 2

    def test_of_converted_pixels_is_found(self, nb: Nb) -> None:
        with WireServer(made()) as server:
            words = ("generate", "a red fox", "-o", "fox.webp")
            assert nb(*words, env=env(server)).code == 0
        shutil.move("fox.webp", "other.webp")
        assert self.prompts(nb, "other.webp") == ["a red fox"]

    def test_that_nothing_is_known_of_is_an_error(self, nb: Nb, fox: Path) -> None:
        fox.write_bytes(picture(color="pink"))
        shutil.move(fox, "new.png")
        for name in ("new.png", "nowhere.png"):
            run = nb("log", name)
            assert run.code == 2
            assert run.err.startswith(f"nb: the log has no line about {name}\nhint: ")
            assert "charged" not in run.err
