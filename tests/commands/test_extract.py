"""`nb extract`: what a call would have saved, out of the reply's file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from support.replies import image_part, picture, reply
from support.wire_server import Answer, WireServer

IMAGE = picture(1376, 768)
JPEG = picture(64, 64, "JPEG")
TEXT = {"text": "A red fox\nin the snow."}


def save(*parts: dict[str, Any], name: str = "response.json") -> str:
    Path(name).write_bytes(reply(*parts))
    return name


class TestAnImage:
    def test_is_named_after_its_file(self, nb: Nb) -> None:
        run = nb("extract", save(image_part(IMAGE), TEXT))
        assert (run.code, run.out) == (0, "response.png\n")
        assert run.err == "response.png  1376×768  4.5 kB\n"
        assert Path("response.png").read_bytes() == IMAGE

    def test_never_replaces_another(self, nb: Nb) -> None:
        save(image_part(IMAGE))
        Path("other").mkdir()
        save(image_part(JPEG), name="other/response.json")
        assert (
            nb("extract", "response.json", "response.json").out == "response.png\nresponse-2.png\n"
        )
        assert nb("extract", "other/response.json").out == "response.jpg\n"

    def test_goes_where_it_is_told(self, nb: Nb) -> None:
        name = save(image_part(IMAGE))
        Path("images").mkdir()
        assert nb("extract", name, "-o", "fox.png").out == "fox.png\n"
        assert nb("extract", name, "-o", "images/").out == "images/response.png\n"
        assert nb("extract", name, "-o", "-").raw == IMAGE
        assert nb("extract", name, name, "-o", "two.png").out == "two-1.png\ntwo-2.png\n"

    def test_from_stdin(self, nb: Nb) -> None:
        run = nb("extract", "-", stdin=reply(image_part(IMAGE)))
        assert (run.code, run.out) == (0, "response.png\n")

    def test_is_converted_on_request(self, nb: Nb) -> None:
        run = nb("extract", save(image_part(JPEG)), "-o", "fox.png")
        assert run.code == 0
        assert "converted to png" in run.err
        assert Path("fox.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda body: b"\n" * 99_999 + body,
            lambda body: b'{"response": ' + body + b"}",
            lambda body: b"data: " + body + b"\n\ndata: [DONE]\n\n",
            lambda body: b'{"candidates": []}\n' + body + b"\n",
            lambda body: b"[" + body + b"," + body + b"]",
            lambda body: b"\xef\xbb\xbf" + body,
        ],
    )
    def test_of_each_kind_of_reply(self, nb: Nb, wrap: Any) -> None:
        Path("response.json").write_bytes(wrap(reply(image_part(IMAGE))))
        assert nb("extract", "response.json").out == "response.png\n"
        assert Path("response.png").read_bytes() == IMAGE

    def test_last_of_several_unless_all_are_wanted(self, nb: Nb) -> None:
        name = save(image_part(JPEG), image_part(picture(9, 9), thought=True), image_part(IMAGE))
        run = nb("extract", name)
        assert run.out == "response.png\n"
        assert "note: the service sent 2 images; the last one is saved; --all saves each" in run.err
        assert nb("extract", name, "--all", "-o", "fox.png").out == "fox.png\nfox-2.png\n"
        assert nb("extract", name, "--all").out == "response.jpg\nresponse-2.png\n"

    def test_is_not_kept_again(self, nb: Nb) -> None:
        nb("extract", save(image_part(JPEG), image_part(IMAGE[:-9])))
        assert not Path("~/.local").expanduser().exists()

    def test_that_exists_is_left_alone(self, nb: Nb) -> None:
        name = save(image_part(IMAGE))
        mine = picture(color="red")
        Path("fox.png").write_bytes(mine)
        run = nb("extract", name, "-o", "fox.png")
        assert (run.code, run.out) == (12, "")
        assert run.err.startswith("nb: fox.png exists already\nhint: --force")
        run = nb("extract", name, "-o", "fox.png", "--skip-existing")
        assert (run.code, run.out) == (0, "fox.png\n")
        assert Path("fox.png").read_bytes() == mine
        Path("fox.png").write_bytes(mine[:-20])
        run = nb("extract", name, "-o", "fox.png", "--skip-existing")
        assert (run.code, run.out) == (12, "")
        assert nb("extract", name, "-o", "fox.png", "--force").code == 0
        assert Path("fox.png").read_bytes() == IMAGE

    def test_in_json(self, nb: Nb) -> None:
        (line,) = nb("extract", save(image_part(IMAGE)), "--json").out.splitlines()
        record = json.loads(line)
        assert record["path"] == "response.png"
        assert (record["status"], record["cost_usd"], record["attempts"]) == ("written", 0, 0)
        assert (record["width"], record["height"], record["bytes"]) == (1376, 768, len(IMAGE))
        assert record["model_version"] == "gemini-3.1-flash-image-preview"
        assert (record["provider"], record["model"], record["prompt"]) == (None, None, None)

    def test_as_curl_saves_it(self, nb: Nb) -> None:
        with WireServer(Answer(body=reply(image_part(IMAGE)))) as server:
            command = ["curl", "-s", "-d", "{}", server.url]
            with Path("response.json").open("wb") as file:
                subprocess.run(command, stdout=file, check=True)
        assert nb("extract", "response.json").out == "response.png\n"


class TestAText:
    def test_is_printed_too(self, nb: Nb) -> None:
        run = nb("extract", save(TEXT, image_part(IMAGE)), "--text")
        assert (run.code, run.out) == (0, "response.png\nA red fox\nin the snow.\n")

    def test_alone(self, nb: Nb) -> None:
        run = nb("extract", save(TEXT), "--text")
        assert (run.code, run.out, run.err) == (0, "A red fox\nin the snow.\n", "")

    def test_alone_in_json(self, nb: Nb) -> None:
        record = json.loads(nb("extract", save(TEXT), "--text", "--json").out)
        assert (record["status"], record["path"], record["alt"]) == (
            "unchanged",
            None,
            "A red fox\nin the snow.",
        )

    def test_beside_the_image(self, nb: Nb) -> None:
        run = nb("extract", save(image_part(IMAGE), TEXT), "--alt", "-o", "fox.png")
        assert (run.code, run.out) == (0, "fox.png\nfox.alt.txt\n")
        assert Path("fox.alt.txt").read_text() == "A red fox in the snow.\n"
        assert nb("extract", "response.json", "--alt", "-o", "fox.png").code == 12

    @pytest.mark.parametrize("option", ["--text", "--alt"])
    def test_that_is_missing(self, nb: Nb, option: str) -> None:
        run = nb("extract", save(image_part(IMAGE)), option)
        assert (run.code, run.out) == (9, "response.png\n")
        assert "no text" in run.err
        assert "harged" not in run.err

    def test_of_thoughts_is_none(self, nb: Nb) -> None:
        assert nb("extract", save({**TEXT, "thought": True}), "--text").code == 9


class TestWhatCannotBeExtracted:
    @pytest.mark.parametrize(
        ("body", "code", "said"),
        [
            (reply(TEXT), 9, "no image: the model replied with text only: A red fox"),
            (reply(image_part(IMAGE, thought=True)), 9, "drafts"),
            (b'{"promptFeedback": {"blockReason": "SAFETY"}}', 9, "SAFETY"),
            (reply(image_part(IMAGE[:-20])), 10, "cannot be used"),
            (reply(image_part(b"GIF89a")), 10, "its gif data cannot be decoded"),
            (reply(image_part(b"\0\0\0\x10ftypheic\0\0\0\0")), 10, "it is image/heic"),
            (reply(image_part(IMAGE))[:-700], 10, "cut short"),
            (b"", 10, "the reply is empty"),
            (b"<html><title>Hi</title>", 10, "an HTML page"),
            (b"curl: (6) no host", 10, "not JSON"),
            (b'{"error": {"code": 503, "status": "UNAVAILABLE"}}', 10, "the reply is an error"),
            (b"[]", 10, "shape"),
        ],
    )
    def test_is_an_error_without_a_charge(self, nb: Nb, body: bytes, code: int, said: str) -> None:
        Path("response.json").write_bytes(body)
        run = nb("extract", "response.json")
        assert (run.code, run.out) == (code, "")
        assert said in run.err
        assert "harged" not in run.err
        assert "paid" not in run.err
        assert [path.name for path in Path().iterdir()] == ["response.json"]
        record = json.loads(nb("extract", "response.json", "--json").out)
        assert (record["status"], record["source"]) == ("failed", "response.json")
        assert (record["error"]["code"], record["error"]["charged"]) == (code, "no")

    def test_leads_to_the_text(self, nb: Nb) -> None:
        run = nb("extract", save(TEXT, name="my reply.json"))
        assert "hint: it has a text: nb extract --text 'my reply.json'\n" in run.err

    def test_does_not_stop_the_others(self, nb: Nb) -> None:
        save(TEXT, name="text.json")
        save(image_part(IMAGE), name="image.json")
        Path("broken.json").write_bytes(b"{")
        run = nb("extract", "text.json", "broken.json", "missing.json", "image.json")
        assert (run.code, run.out) == (10, "image.png\n")
        assert run.err.count("nb: ") == 3

    @pytest.mark.parametrize(
        "argv",
        [
            (),
            ("-", "-"),
            ("missing.json",),
            ("response.json", "-o", "-", "--all"),
            ("response.json", "-o", "-", "--text"),
            ("response.json", "response.json", "-o", "-"),
            ("response.json", "-o", "fox.gif"),
            ("response.json", "--force"),
            ("response.json", "-o", "-", "--alt"),
        ],
    )
    def test_is_a_wrong_use(self, nb: Nb, argv: tuple[str, ...]) -> None:
        save(image_part(IMAGE))
        run = nb("extract", *argv)
        assert (run.code, run.raw) == (2, b"")
        assert "harged" not in run.err


class TestALink:
    def test_is_fetched_on_request_alone(self, nb: Nb) -> None:
        with WireServer(Answer(body=IMAGE)) as server:
            url = f"{server.url}/a.png?{'x' * 500}"
            name = save({"text": f"![]({url})"})
            run = nb("extract", name, env={"NB_BASE_URL": server.url})
            assert run.code == 10
            assert f"nb: the image is a link: {url}\n" in run.err
            assert "hint: fetch it: nb extract --fetch response.json\n" in run.err
            assert server.connections == 0
            run = nb("extract", "--fetch", name, env={"NB_BASE_URL": server.url})
            assert (run.code, run.out) == (0, "response.png\n")
            assert "note: the image was fetched from 127.0.0.1\n" in run.err
            assert Path("response.png").read_bytes() == IMAGE

    def test_to_a_private_address_is_not_fetched(self, nb: Nb) -> None:
        with WireServer(Answer(body=IMAGE)) as server:
            url = f"https://127.0.0.1:{server.port}/a.png"
            run = nb("extract", "--fetch", save({"fileData": {"fileUri": url}}))
            assert run.code == 10
            assert f"127.0.0.1 is not a public address: {url}" in run.err
            assert server.connections == 0
