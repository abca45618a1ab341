"""What was paid for and has no place is kept: an image as that image, an unusable reply whole."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess, Run
from support import pngs
from support.replies import image_part, made, picture, reply
from support.wire_server import Answer, WireServer

from nanobanana_cli.errors import BadReply, Charged, LocalFileError
from nanobanana_cli.generation import destinations
from nanobanana_cli.generation.rescue import Rescue
from nanobanana_cli.generation.save import save_every_image, save_image
from nanobanana_cli.images.edits import NO_EDITS
from nanobanana_cli.types import ContentRequest, Reply, Result

KEY = "sk-very-secret-key-123"
REQUEST = ContentRequest("A red fox!", "gemini-3.1-flash-image-preview", aspect="1:1", size="1K")
IMAGE = picture(1024, 1024)
DAMAGED = IMAGE[:-40]
BASE64 = base64.b64encode(IMAGE).decode()
Serve = Callable[..., WireServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(*script: Answer) -> WireServer:
            server = stack.enter_context(WireServer(*script))
            monkeypatch.setenv("NB_BASE_URL", server.url)
            monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
            return server

        yield start


@pytest.fixture
def state() -> Path:
    return Path("~/.local/state/nanobanana-wisgate").expanduser()


def kept(state: Path) -> list[Path]:
    return sorted((state / "replies").glob("*")) if (state / "replies").exists() else []


def answer(*parts: dict[str, Any]) -> Answer:
    return Answer(body=reply(*parts))


def make(nb: Nb, *options: str) -> Run:
    return nb("generate", "A red fox!", "-o", "fox.png", *options)


class TestAReply:
    @pytest.mark.parametrize(
        "body",
        [
            reply(image_part(DAMAGED)),
            reply(image_part(b"GIF89a")),
            reply({"inlineData": {"data": "***"}}),
            reply({"text": "![](data:image/png;base64,QUJD)"}),
            reply(image_part(IMAGE))[:-700],
            b"[" + reply({"text": "x"}) + b"," + reply(image_part(IMAGE))[:-700],
        ],
    )
    def test_whose_image_cannot_be_used(
        self, nb: Nb, serve: Serve, state: Path, body: bytes
    ) -> None:
        serve(Answer(body=body))
        run = make(nb)
        assert run.code == 10
        (path,) = kept(state)
        assert path == state / "replies" / "a-red-fox.json"
        assert path.read_bytes() == body
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert f"hint: the reply was kept: nb extract {path}\n" in run.err
        assert run.err.endswith("May have been charged.\n")

    @pytest.mark.parametrize(
        "body",
        [
            gzip.compress(b"", mtime=0)[:10] + b"damaged",
            json.dumps({"data": [{"b64_json": "aGk="}]}).encode(),
            json.dumps({"candidates": [{"image": f"{BASE64}!"}]}).encode(),
        ],
    )
    def test_of_an_unknown_shape(self, nb: Nb, serve: Serve, state: Path, body: bytes) -> None:
        serve(Answer(body=body))
        assert make(nb).code in (9, 10)
        assert [path.read_bytes() for path in kept(state)] == [body]

    def test_whose_last_image_is_damaged_yields_the_others(
        self, nb: Nb, serve: Serve, state: Path
    ) -> None:
        serve(answer(image_part(IMAGE), image_part(DAMAGED)))
        run = make(nb)
        assert (run.code, run.out) == (0, "fox.png\n")
        assert Path("fox.png").read_bytes() == IMAGE
        (path,) = kept(state)
        told = "an earlier image of the reply is saved, and the reply was kept: "
        assert f"{told}nb extract --all {path}\n" in run.err
        assert nb("extract", "--all", path, "-o", "found.png").out == "found.png\n"

    def test_is_told_in_json(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(answer(image_part(DAMAGED)))
        error = json.loads(make(nb, "--json").out)["error"]
        assert error["hint"] == f"the reply was kept: nb extract {kept(state)[0]}"

    @pytest.mark.parametrize(
        "body",
        [
            reply({"text": "I would rather not"}),
            reply(image_part(IMAGE, thought=True)),
            reply(),
            b"<html><title>no</title>",
            b"",
        ],
    )
    def test_without_a_finished_image_is_not_kept(
        self, nb: Nb, serve: Serve, state: Path, body: bytes
    ) -> None:
        serve(Answer(body=body))
        assert make(nb).code in (9, 10)
        assert kept(state) == []

    def test_that_is_saved_is_not_kept(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(made(IMAGE))
        assert make(nb).code == 0
        assert [path.name for path in state.iterdir()] == ["log.sqlite"]

    def test_of_several_images_is_kept(self, nb: Nb, serve: Serve, state: Path) -> None:
        parts = [image_part(picture(64, 64, color=color)) for color in ("red", "blue")]
        serve(answer(*parts, image_part(IMAGE)))
        run = make(nb)
        assert (run.code, run.out) == (0, "fox.png\n")
        assert Path("fox.png").read_bytes() == IMAGE
        (path,) = kept(state)
        assert (
            "note: the service sent 3 images; the last one is saved, and the reply was kept: "
            f"nb extract --all {path}\n"
        ) in run.err
        assert (
            nb("extract", "--all", path).out == "a-red-fox.png\na-red-fox-2.png\na-red-fox-3.png\n"
        )

    def test_of_each_call_is_told(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(answer(image_part(DAMAGED)))
        run = nb("generate", "A red fox!", "-n", "3", "-o", "fox.png")
        assert run.code == 10
        assert len(kept(state)) == 3
        for path in kept(state):
            assert f"hint: the reply was kept: nb extract {path}\n" in run.err

    def test_is_kept_by_a_batch_too(self, nb: Nb, serve: Serve, state: Path) -> None:
        Path("m.csv").write_text("prompt\nA red fox!\n")
        serve(answer(image_part(DAMAGED)))
        run = nb("batch", "m.csv")
        assert run.code == 3
        (path,) = kept(state)
        assert path.read_bytes() == reply(image_part(DAMAGED))

    def test_never_holds_the_key(self, nb: Nb, serve: Serve, state: Path) -> None:
        padding = {"text": "x" * 100_000 + KEY}
        serve(answer(padding, image_part(DAMAGED)))
        assert make(nb).code == 10
        data = kept(state)[0].read_bytes()
        assert KEY.encode() not in data
        assert b"x[key]" in data

    def test_stays_unkept_where_the_user_wants_that(
        self, nb: Nb, serve: Serve, state: Path
    ) -> None:
        assert nb("config", "set", "keep-replies", "false").code == 0
        assert nb("config", "get", "keep-replies").out == "false\n"
        serve(answer(image_part(DAMAGED)))
        run = make(nb)
        assert run.code == 10
        assert "running it again is a new, paid call" in run.err
        assert kept(state) == []
        nb("config", "set", "keep-replies", "true")
        make(nb)
        assert len(kept(state)) == 1

    def test_goes_to_a_temporary_folder_where_there_is_no_other(
        self, nb: Nb, serve: Serve, state: Path, tmp_path: Path
    ) -> None:
        state.parent.mkdir(parents=True)
        state.write_bytes(b"")
        serve(answer(image_part(DAMAGED)))
        run = nb("generate", "fox", env={"TMPDIR": str(tmp_path)})
        assert run.code == 10
        (path,) = tmp_path.glob("nb-*/fox.json")
        assert f"hint: the reply was kept: nb extract {path}\n" in run.err
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_goes_where_the_state_folder_is(
        self, nb: Nb, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s t"))
        serve(answer(image_part(DAMAGED)))
        path = tmp_path / "s t" / "nanobanana-wisgate" / "replies" / "a-red-fox.json"
        assert f"nb extract '{path}'\n" in make(nb).err
        assert path.exists()

    def test_of_an_earlier_run_goes_when_it_is_old(self, nb: Nb, serve: Serve, state: Path) -> None:
        folder = state / "replies"
        folder.mkdir(parents=True)
        for number in range(30):
            path = folder / f"{number}.json"
            path.write_bytes(b"{}")
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
        (folder / "note.txt").write_text("mine")
        serve(answer(image_part(DAMAGED)))
        make(nb)
        names = {path.name for path in kept(state)}
        assert names == {"a-red-fox.json", "note.txt", *(f"{n}.json" for n in range(10, 30))}

    def test_of_this_run_stays_whatever_its_size(self, tmp_path: Path) -> None:
        rescue = Rescue(tmp_path, started=0)
        for number in range(30):
            assert rescue.reply(b"{}", f"{number}") is not None
        assert len(list((tmp_path / "replies").iterdir())) == 30

    def test_beyond_200_mb_goes(self, tmp_path: Path) -> None:
        folder = tmp_path / "replies"
        folder.mkdir()
        for number in range(5):
            path = folder / f"{number}.json"
            with path.open("wb") as file:
                file.truncate(90_000_000)
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
        Rescue(tmp_path).reply(b"{}", "new")
        assert {path.name for path in folder.iterdir()} == {"new.json", "3.json", "4.json"}

    def test_is_told_when_the_run_is_stopped(
        self, nb_process: NbProcess, serve: Serve, state: Path
    ) -> None:
        server = serve(Answer())
        link = Answer(body=reply({"text": f"{server.url}/fox.png"}))
        server._script = (link, Answer(stall=0))
        process = nb_process.start("generate", "A red fox!", "-o", "fox.png")
        with process:
            while len(server.requests) < 2:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 130
        (path,) = kept(state)
        assert f"the reply was kept: nb extract --fetch {path}\n" in err.decode()


class TestASettingOfTheUserAlone:
    def test_is_refused_in_a_project(self, nb: Nb, serve: Serve) -> None:
        server = serve(made(IMAGE))
        Path("nb.toml").write_text("keep-replies = false\n")
        run = make(nb)
        assert run.code == 2
        assert "keep-replies in " in run.err
        assert "is not allowed in a project file" in run.err
        assert server.requests == []

    def test_is_no_variable(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(answer(image_part(DAMAGED)))
        nb("generate", "fox", env={"NB_KEEP_REPLIES": "false"})
        assert len(kept(state)) == 1

    @pytest.mark.parametrize("value", ['"no"', "0", '"false"'])
    def test_is_true_or_false(self, nb: Nb, value: str) -> None:
        path = Path("~/.config/nanobanana-wisgate/config.toml").expanduser()
        path.parent.mkdir(parents=True)
        path.write_text(f"keep-replies = {value}\n")
        run = nb("config", "list")
        assert run.code == 2
        assert "must be true or false" in run.err

    def test_is_checked_when_it_is_set(self, nb: Nb) -> None:
        run = nb("config", "set", "keep-replies", "perhaps")
        assert run.code == 2
        assert "hint: true or false" in run.err


def _result(data: bytes | None = IMAGE, body: bytes = b"{}", **more: object) -> Result:
    return Result("unchanged", REQUEST, "wisgate", reply=Reply(data, body=body, **more))  # type: ignore[arg-type]


class TestAnImage:
    @pytest.mark.parametrize("output", ["images/", "images/fox.png"])
    def test_whose_folder_vanished_goes_to_the_state_folder(
        self, output: str, tmp_path: Path
    ) -> None:
        Path("images").mkdir()
        (place,) = destinations.plan(output, prompt="fox", stdout=lambda _: None)
        Path("images").rmdir()
        saved = save_image(_result(), place, Rescue(tmp_path / "state"))
        path = tmp_path / "state" / "images" / "a-red-fox.png"
        assert isinstance(saved.error, LocalFileError)
        assert saved.error.hint == f"the image was saved as {path}"
        assert saved.error.charged is Charged.YES
        assert path.read_bytes() == IMAGE
        assert not (tmp_path / "state" / "replies").exists()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_among_several_without_a_place_takes_the_others_along(self, tmp_path: Path) -> None:
        Path("images").mkdir()
        (place,) = destinations.plan("images/fox.png", prompt="fox", stdout=lambda _: None)
        Path("images").rmdir()
        saved = save_image(_result(images=2), place, Rescue(tmp_path))
        assert isinstance(saved.error, LocalFileError)
        (path,) = kept(tmp_path)
        assert saved.notes == (f"the reply was kept: nb extract --all {path}",)

    @pytest.mark.parametrize("folder", [None, "blocked"])
    def test_without_a_state_folder_goes_to_a_new_one(
        self, folder: str | None, tmp_path: Path
    ) -> None:
        Path("blocked").write_bytes(b"")
        Path("images").mkdir()
        (place,) = destinations.plan("images/fox.png", prompt="fox", stdout=lambda _: None)
        Path("images").rmdir()
        rescue = Rescue(Path(folder) / "x" if folder else None, others=(Path("no"), tmp_path))
        saved = save_image(_result(), place, rescue)
        assert saved.error is not None
        path = Path((saved.error.hint or "").removeprefix("the image was saved as "))
        assert path.parent.parent == tmp_path
        assert path.read_bytes() == IMAGE
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_is_never_removed(self, tmp_path: Path) -> None:
        rescue = Rescue(tmp_path)
        image = rescue.image(IMAGE, "fox", ".png")
        assert image is not None
        os.utime(image, (1, 1))
        for number in range(30):
            rescue.reply(b"{}", f"{number}")
        assert image.exists()
        again = rescue.image(IMAGE, "fox", ".png")
        assert again is not None
        assert again.name == "fox-2.png"

    def test_whose_folder_vanishes_during_the_call(self, nb: Nb, serve: Serve) -> None:
        serve(Answer(body=reply(image_part(IMAGE)), delay=0.3))
        Path("images").mkdir()
        gone = threading.Timer(0.15, Path("images").rmdir)
        gone.start()
        run = nb("generate", "fox", "-o", "images/fox.png")
        gone.join()
        assert run.code == 6
        path = Path("~/.local/state/nanobanana-wisgate/images/fox.png").expanduser()
        assert f"hint: the image was saved as {path}\nCharged.\n" in run.err
        assert path.read_bytes() == IMAGE


class TestADefect:
    def test_does_not_cost_the_image(self, tmp_path: Path) -> None:
        class Broken:
            format = None
            edits = NO_EDITS
            unedited = None

            def taken(self) -> bool:
                return False

            def save(self, *_: object) -> str:
                raise ZeroDivisionError

        error = save_image(_result(), Broken(), Rescue(tmp_path)).error
        assert error is not None
        assert error.message == "a defect in nb: ZeroDivisionError"
        path = tmp_path / "images" / "a-red-fox.png"
        assert error.hint == f"the image was saved as {path}"
        assert path.read_bytes() == IMAGE


class TestAll:
    def test_saves_every_image(self, nb: Nb, serve: Serve, state: Path) -> None:
        colors = ("red", "green", "blue")
        images = [picture(1024, 1024, color=color) for color in colors]
        draft = image_part(picture(64, 64), thought=True)
        serve(answer(draft, *({**image_part(each)} for each in images), draft))
        Path("fox-2.png").write_bytes(b"mine")
        run = make(nb, "--all")
        assert (run.code, run.out) == (0, "fox.png\nfox-3.png\nfox-4.png\n")
        assert Path("fox-2.png").read_bytes() == b"mine"
        names = ("fox.png", "fox-3.png", "fox-4.png")
        assert [Path(name).read_bytes() for name in names] == images
        assert kept(state) == []

    def test_names_unnamed_ones_after_the_prompt(self, nb: Nb, serve: Serve) -> None:
        serve(answer(image_part(IMAGE), image_part(picture(1024, 1024, "JPEG"), "image/jpeg")))
        run = nb("generate", "fox", "--all")
        assert run.out == "fox.png\nfox.jpg\n"

    def test_costs_one_call(self, nb: Nb, serve: Serve) -> None:
        server = serve(answer(image_part(IMAGE), image_part(IMAGE)))
        lines = [json.loads(line) for line in make(nb, "--all", "--json").out.splitlines()]
        assert [line["path"] for line in lines] == ["fox.png", "fox-2.png"]
        assert sum(line["cost_usd"] for line in lines) == 0.058
        assert len(server.requests) == 1

    def test_goes_with_n(self, nb: Nb, serve: Serve) -> None:
        serve(answer(image_part(IMAGE), image_part(IMAGE)))
        run = make(nb, "--all", "-n", "2")
        assert sorted(run.out.split()) == ["fox-1-2.png", "fox-1.png", "fox-2-2.png", "fox-2.png"]

    def test_replaces_when_forced(self, nb: Nb, serve: Serve) -> None:
        serve(answer(image_part(IMAGE), image_part(IMAGE)))
        for name in ("fox.png", "fox-2.png"):
            Path(name).write_bytes(b"old")
        assert make(nb, "--all", "--force").out == "fox.png\nfox-2.png\n"
        assert Path("fox-2.png").read_bytes() == IMAGE

    def test_of_one_image_is_that_image(self, nb: Nb, serve: Serve) -> None:
        serve(made(IMAGE))
        assert make(nb, "--all").out == "fox.png\n"

    def test_writes_the_text_beside_the_last(self, nb: Nb, serve: Serve) -> None:
        serve(answer(image_part(IMAGE), {"text": "A red fox in the snow"}, image_part(IMAGE)))
        run = make(nb, "--all", "--alt")
        assert run.out == "fox.png\nfox-2.png\nfox-2.alt.txt\n"

    def test_saves_the_others_when_one_is_damaged(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(
            answer(
                image_part(IMAGE),
                {"inlineData": {"data": "***"}},
                image_part(DAMAGED),
                image_part(IMAGE),
            )
        )
        run = make(nb, "--all")
        assert run.code == 10
        assert run.out == "fox.png\nfox-4.png\n"
        (path,) = kept(state)
        assert run.err.count(f"hint: the reply was kept: nb extract --all {path}\n") == 1
        assert "nothing was saved" not in run.err

    def test_keeps_the_reply_for_one_damaged_image(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(answer(image_part(DAMAGED), image_part(IMAGE)))
        run = make(nb, "--all")
        assert (run.code, run.out) == (10, "fox-2.png\n")
        (path,) = kept(state)
        assert f"hint: the reply was kept: nb extract --all {path}\n" in run.err

    @pytest.mark.parametrize("keep", ["true", "false"])
    def test_rescues_an_image_behind_a_damaged_one(
        self, nb: Nb, serve: Serve, state: Path, keep: str
    ) -> None:
        nb("config", "set", "keep-replies", keep)
        body = reply(image_part(DAMAGED), image_part(IMAGE))
        serve(Answer(body=body, delay=0.3))
        Path("images").mkdir()
        gone = threading.Timer(0.15, Path("images").rmdir)
        gone.start()
        run = make(nb, "--all", "-o", "images/fox.png")
        gone.join()
        assert run.out == ""
        assert [path.read_bytes() for path in kept(state)] == ([body] if keep == "true" else [])
        path = state / "images" / "a-red-fox.png"
        assert f"hint: the image was saved as {path}\nCharged.\n" in run.err
        assert path.read_bytes() == IMAGE

    def test_keeps_the_first_where_its_name_was_taken_meanwhile(self, tmp_path: Path) -> None:
        (place,) = destinations.plan("fox.png", prompt="fox", stdout=lambda _: None)
        Path("fox.png").write_bytes(b"mine")
        body = reply(image_part(IMAGE), image_part(IMAGE))
        first, second = save_every_image(_result(body=body, images=2), place, Rescue(tmp_path))
        assert first.error is not None
        assert first.error.hint == "the image was saved as fox-2.png"
        assert second.path == "fox-3.png"
        assert Path("fox.png").read_bytes() == b"mine"

    def test_fetches_every_link(self, nb: Nb, serve: Serve) -> None:
        server = serve(Answer())
        text = f"![]({server.url}/1.png) ![]({server.url}/2.png)"
        server._script = (Answer(body=reply({"text": text})), Answer(body=IMAGE))
        assert make(nb, "--all").out == "fox.png\nfox-2.png\n"
        assert [each.path for each in server.requests[1:]] == ["/1.png", "/2.png"]

    def test_is_not_for_stdout(self, nb: Nb, serve: Serve) -> None:
        server = serve(made(IMAGE))
        run = nb("generate", "fox", "-o", "-", "--all")
        assert run.code == 2
        assert "-o - takes one image" in run.err
        assert server.requests == []

    def test_is_not_for_a_batch(self, nb: Nb) -> None:
        Path("m.csv").write_text("prompt\nfox\n")
        assert nb("batch", "m.csv", "--all").code == 2

    def test_without_a_reply_hands_the_error_on(self) -> None:
        error = BadReply("no")
        (place,) = destinations.plan(None, prompt="fox", stdout=lambda _: None)
        failed = Result("failed", REQUEST, "wisgate", error=error)
        assert [*save_every_image(failed, place)] == [failed]


class TestAnImageBesideAnError:
    @pytest.mark.parametrize("status", [400, 429, 500, 503, 504])
    def test_is_saved_and_its_call_is_not_repeated(self, nb: Nb, serve: Serve, status: int) -> None:
        server = serve(Answer(status, body=reply(image_part(IMAGE))))
        run = make(nb)
        assert (run.code, run.out, len(server.requests)) == (0, "fox.png\n", 1)
        assert Path("fox.png").read_bytes() == IMAGE

    def test_may_be_large(self, nb: Nb, serve: Serve) -> None:
        large = pngs.png(pngs.Shape(1024, 1024))
        serve(Answer(503, body=reply(image_part(large))))
        assert make(nb).code == 0
        assert Path("fox.png").read_bytes() == large

    @pytest.mark.parametrize("status", [400, 503])
    def test_does_not_count_where_the_error_quotes_the_request(
        self, nb: Nb, serve: Serve, status: int
    ) -> None:
        quoted = {"request": {"contents": [{"parts": [image_part(IMAGE)]}]}}
        error = {"code": status, "message": "no", "details": [quoted]}
        server = serve(Answer(status, body=json.dumps({"error": error, **quoted}).encode()))
        run = make(nb, "--retries", "0")
        assert (run.code, len(server.requests)) == (7 if status == 400 else 5, 1)
        assert list(Path().iterdir()) == []


class TestAReplyThatIsCut:
    @pytest.mark.parametrize("framed", [True, False])
    def test_is_kept_as_far_as_it_came(
        self, nb: Nb, serve: Serve, state: Path, framed: bool
    ) -> None:
        whole = Answer(body=reply(image_part(IMAGE)), framed=framed)
        serve(
            Answer(body=whole.body, framed=framed, reset=not framed, cut=len(whole.head()) + 2000)
        )
        run = make(nb)
        assert run.code == 11
        (path,) = kept(state)
        assert whole.body.startswith(path.read_bytes()[:1000])
        assert f"hint: what came of the reply is kept as {path}\n" in run.err
        assert run.err.endswith("May have been charged.\n")

    @pytest.mark.parametrize("options", [("--alt",), ("--chat",), ("--alt", "--chat"), ()])
    def test_behind_its_image_is_kept_for_what_it_lacks(
        self, nb: Nb, serve: Serve, state: Path, options: tuple[str, ...]
    ) -> None:
        body = reply({"text": "A fox."}, image_part(IMAGE, thoughtSignature="abc"), {"text": "x"})
        end = body.index(b', {"text": "x"')
        serve(Answer(body=body, cut=len(Answer(body=body).head()) + end))
        run = make(nb, *options)
        assert run.code == {"--alt": 9, "--chat": 10}.get("".join(options[:1]), 0), run.err
        assert Path("fox.png").read_bytes() == IMAGE
        assert not Path("fox.alt.txt").exists()
        if not options:
            assert kept(state) == []
            return
        (path,) = kept(state)
        assert path.read_bytes() == body[:end]
        assert f"the reply was kept: nb extract {'--text ' * ('--alt' in options)}{path}" in run.err
        assert ("no conversation is kept" in run.err) is ("--chat" in options)
        again = nb("extract", "--text", "--json", str(path), "-o", "again.png")
        assert (again.code, Path("again.png").read_bytes()) == (0, IMAGE), again.err
        assert json.loads(again.out)["alt"] == "A fox."

    def test_behind_its_answer_lacks_nothing(self, nb: Nb, serve: Serve, state: Path) -> None:
        body = reply({"text": "A fox."}, image_part(IMAGE, thoughtSignature="abc"))
        serve(Answer(body=body, cut=len(Answer(body=body).head() + body) - 20))
        run = make(nb, "--alt", "--chat")
        assert (run.code, Path("fox.alt.txt").read_text()) == (0, "A fox.\n"), run.err
        turns = json.loads(Path("fox.chat.json").read_bytes())["contents"]
        assert turns[1]["parts"] == json.loads(body)["candidates"][0]["content"]["parts"]
        assert kept(state) == []

    def test_may_lack_images(self, nb: Nb, serve: Serve, state: Path) -> None:
        body = reply(image_part(IMAGE), image_part(IMAGE), {"text": "x"})
        end = body.index(b', {"text"')
        serve(Answer(body=body, cut=len(Answer(body=body).head()) + end))
        run = make(nb, "--all")
        assert (run.code, run.out) == (0, "fox.png\nfox-2.png\n"), run.err
        assert run.err.count("so more images may have been in it") == 1
        assert kept(state) == []

    def test_in_a_text_is_kept_as_far_as_it_came(self, nb: Nb, serve: Serve, state: Path) -> None:
        Path("in.png").write_bytes(IMAGE)
        body = reply({"text": "A fox in snow."})
        serve(Answer(body=body, cut=len(Answer(body=body).head()) + body.index(b" in snow")))
        run = nb("caption", "in.png")
        (path,) = kept(state)
        assert (run.code, path.read_bytes()[-5:]) == (11, b"A fox")
        assert f"what came of the reply is kept as {path}" in run.err

    def test_before_its_image_is_not_kept(self, nb: Nb, serve: Serve, state: Path) -> None:
        serve(Answer(body=reply(image_part(IMAGE)), cut=60))
        assert make(nb).code == 11
        assert kept(state) == []

    def test_is_told_in_plain_lines_when_the_run_is_stopped(
        self, nb_process: NbProcess, serve: Serve, state: Path
    ) -> None:
        server = serve(replace(made(IMAGE), stall=3000))
        with nb_process.start("generate", "A red fox!", "-o", "fox.png", "-v") as process:
            assert process.stderr is not None
            while b"< 200" not in process.stderr.readline():
                pass
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert (process.returncode, len(server.requests)) == (130, 1)
        (path,) = kept(state)
        told = f"what came of the reply is kept as {path}"
        assert [line.split("; ")[-1] for line in err.decode().splitlines() if told in line] == [
            told
        ]
