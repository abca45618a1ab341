"""Reference images from addresses, and files that are no images."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import support
from conftest import Nb
from support.connect_proxy import Proxy
from support.replies import made, picture
from support.wire_server import Answer, WireServer

KEY = "sk-very-secret-key-123"
WIDE = picture(1584, 672, "JPEG")
GENERATE = ("generate", "make it night", "-o", "x.png", "-i")


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
    with WireServer(made()) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        yield server


def _tls(monkeypatch: pytest.MonkeyPatch, name: str) -> ssl.SSLContext:
    pem = Path(support.__path__[0]) / f"{name}.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _parts(service: WireServer, number: int = -1) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = json.loads(service.requests[number].body)["contents"][0]["parts"]
    return [part["inlineData"] for part in parts if "inlineData" in part]


def _moved(url: str) -> Answer:
    return Answer(302, headers=(("Location", url),))


def test_an_address_is_fetched_and_sent_as_it_is(
    nb: Nb, service: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A private address: the user typed it.
    with WireServer(Answer(body=WIDE), tls=_tls(monkeypatch, "localhost")) as images:
        run = nb(*GENERATE, f"https://localhost:{images.port}/pics/wide%20one.jpg?sig=abc")
    assert (run.code, run.out) == (0, "x.png\n")
    (part,) = _parts(service)
    assert part["mimeType"] == "image/jpeg"
    assert base64.b64decode(part["data"]) == WIDE
    assert "  21:9, as wide one.jpg  " in run.err
    (request,) = images.requests
    assert (request.method, request.path) == ("GET", "/pics/wide%20one.jpg?sig=abc")
    assert not {"x-goog-api-key", "authorization", "cookie"} & set(request.headers)
    assert KEY not in str(request)


def test_a_host_that_only_a_proxy_knows(
    nb: Nb, service: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        WireServer(Answer(body=WIDE), tls=_tls(monkeypatch, "wisgate")) as images,
        Proxy(ports={"wisgate.ai": images.port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert nb(*GENERATE, "https://wisgate.ai/wide.jpg").code == 0
    assert base64.b64decode(_parts(service)[0]["data"]) == WIDE


def test_plain_http_is_for_this_machine_alone(nb: Nb, service: WireServer) -> None:
    with WireServer(Answer(body=WIDE)) as images:
        assert nb(*GENERATE, f"{images.url}/wide.jpg").code == 0
    run = nb(*GENERATE, "http://images.example/wide.jpg?sig=abc")
    assert run.code == 2
    assert "nb: http://images.example/wide.jpg?… is not encrypted\nhint: use https" in run.err
    assert len(service.requests) == 1


def test_each_address_is_fetched_once_a_run(nb: Nb, service: WireServer) -> None:
    with WireServer(Answer(body=WIDE)) as images:
        url = f"{images.url}/wide.jpg"
        Path("many").mkdir()
        assert nb(*GENERATE, url, "-i", url, "-n", "3", "-o", "many/").code == 0
        assert len(images.requests) == 1
        assert len(_parts(service)) == 2
        rows = [{"prompt": f"fox {n}", "output": f"{n}.png", "images": [url]} for n in range(5)]
        Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
        service.requests.clear()
        assert nb("batch", "m.jsonl").code == 0
        assert len(images.requests) == 2
    ratios = {
        json.loads(each.body)["generationConfig"]["imageConfig"]["aspectRatio"]
        for each in service.requests
    }
    assert (len(service.requests), ratios) == (5, {"21:9"})


def test_a_row_is_up_to_date_by_the_content_behind_its_address(nb: Nb, service: WireServer) -> None:
    Path("m.jsonl").write_text(
        json.dumps({"prompt": "night", "output": "x.png", "images": "IMAGE"})
    )

    def run(answer: Answer, *options: str, code: int = 0) -> tuple[int, str]:
        with WireServer(answer) as images:
            text = Path("m.jsonl").read_text()
            row = {**json.loads(text), "images": [f"{images.url}/a.jpg?sig={images.port}"]}
            Path("m.jsonl").write_text(json.dumps(row))
            service.requests.clear()
            found = nb("batch", "m.jsonl", *options)
            assert found.code == code, found.err
            return len(images.requests), found.out + found.err

    assert run(Answer(body=WIDE))[0] == 1
    assert len(service.requests) == 1
    # Another address, the same image.
    assert run(Answer(body=WIDE), "--check")[0] == 1
    run(Answer(body=WIDE))
    assert service.requests == []
    # Not fetched, and so taken for the same.
    fetched, said = run(Answer(body=picture()), "--dry-run")
    assert (fetched, "unchanged" in said) == (0, True)
    assert "reference images at addresses were not fetched: 1 row may differ" in said
    _, said = run(Answer(body=picture()), "--dry-run", "--json")
    line = json.loads(said.splitlines()[0])
    assert (line["plan"], line["aspect"], line["fingerprint"]) == ("unchanged", None, None)
    assert run(Answer(body=picture()), "--check", code=3)[0] == 1
    Path("x.png").unlink()
    assert "make" in run(Answer(body=WIDE), "--dry-run")[1]


@pytest.mark.parametrize("option", ["--dry-run", "--curl"])
def test_showing_a_request_fetches_nothing_and_says_so(
    nb: Nb, service: WireServer, option: str
) -> None:
    with WireServer(Answer(body=WIDE)) as images:
        run = nb(*GENERATE, f"{images.url}/wide.webp?sig=abc", option)
        assert (run.code, images.requests, service.requests) == (0, [], [])
    shown = f"{images.url}/wide.webp?…"
    assert f"{shown} is not fetched here: its data is a placeholder; the aspect ratio" in run.err
    body = (
        json.loads(run.out)["body"]
        if option == "--dry-run"
        else json.loads(run.out.splitlines()[-2])
    )
    _, part = body["contents"][0]["parts"]
    assert part["inlineData"] == {"mimeType": "image/webp", "data": f"<base64 of {shown}>"}
    assert "aspectRatio" not in body["generationConfig"]["imageConfig"]


def test_redirects_stay_at_the_typed_place_or_go_to_public_https(
    nb: Nb, service: WireServer
) -> None:
    with WireServer(_moved("/b.jpg"), Answer(body=WIDE)) as images:
        assert nb(*GENERATE, f"{images.url}/a.jpg").code == 0
        assert [each.path for each in images.requests] == ["/a.jpg", "/b.jpg"]
    with WireServer(Answer(body=WIDE)) as private:
        for target in (
            private.url,
            f"https://localhost:{private.port}/",
            "http://images.example/b.jpg",
            "file:///etc/passwd",
        ):
            with WireServer(_moved(target)) as images:
                run = nb(*GENERATE, f"{images.url}/a.jpg")
            assert (run.code, "cannot fetch" in run.err) == (2, True), run.err
        assert private.connections == 0
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Answer(404), 2, "the server answered with 404\nhint: check the address"),
        (Answer(503), 5, "the server answered with 503\nhint: run it again, or name a file"),
        (Answer(body=b"x" * 100, cut=80), 5, "cannot fetch"),
        (
            Answer(headers=(("Content-Length", str(1 << 30)),)),
            2,
            "larger than 100 MiB",
        ),
        (
            Answer(body=b"<html><title>Log in</title>"),
            2,
            "sent: it is not an image but an HTML page, Log in",
        ),
        (Answer(body=b""), 2, "cannot be sent: it is not an image but an empty file"),
        (Answer(body=WIDE[:-20]), 2, "is damaged: the JPEG is cut off"),
    ],
)
def test_what_does_not_come_is_named_before_the_call(
    nb: Nb, service: WireServer, answer: Answer, code: int, said: str
) -> None:
    with WireServer(answer) as images:
        run = nb(*GENERATE, f"{images.url}/a.jpg?sig=abc")
    assert (run.code, said in run.err) == (code, True), run.err
    assert f"{images.url}/a.jpg?…" in run.err
    assert "sig=abc" not in run.err
    assert service.requests == []


def test_a_server_that_is_gone(nb: Nb, service: WireServer) -> None:
    with WireServer() as images:
        url = images.url
    run = nb(*GENERATE, f"{url}/a.jpg")
    assert (run.code, "connection refused" in run.err) == (5, True)
    assert run.err.endswith("Not charged.\n")
    assert service.requests == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "an image needs a path or an https address\nhint: -i fox.png"),
        ("ftp://a.example/fox.png", "ftp://a.example/fox.png is not an https address"),
        ("https://", "https:// is not an https address"),
        ("https://a.example:port/x", "https://a.example:port/x is not an https address"),
        ("https://a.example/a b.png", "https://a.example/a b.png is not an https address"),
        ("https://me:secret@a.example/fox.png", "the address of fox.png holds a user name"),
        ("file:///tmp/fox.png", "file:///tmp/fox.png is an address, not a path"),
        ("data:image/png;base64,iVBO", "a data: address is not a file"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_what_is_no_place_of_an_image(
    nb: Nb, service: WireServer, name: str, said: str, options: tuple[str, ...]
) -> None:
    run = nb(*GENERATE, name, *options)
    assert (run.code, f"nb: {said}" in run.err) == (2, True), run.err
    assert "secret" not in run.err
    assert service.requests == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "it is not an image but a Git LFS pointer to one\nhint: git lfs pull",
        ),
        (
            b"/annex/objects/SHA256E-s1--0.png\n",
            "it is not an image but a git-annex pointer to one\nhint: git annex get",
        ),
        (
            b"<!DOCTYPE html><html><head><title>Foxes &amp; more</title>",
            "it is not an image but an HTML page, Foxes & more\nhint: save the image itself",
        ),
        (b"\xef\xbb\xbf<html>", "it is not an image but an HTML page\n"),
        (b"", "it is not an image but an empty file\nhint: check the file"),
        (b" \n", "it is not an image but an empty file\n"),
        (
            b"https://a.example/fox.png\n",
            "it is not an image but an address\nhint: -i https://a.example/fox.png",
        ),
        (
            b"[InternetShortcut]\r\nURL=https://a.example/fox.png\r\n",
            "it is not an image but an address\nhint: -i https://a.example/fox.png",
        ),
        (b"%PDF-1.7\n", "it is not an image but a PDF\n"),
        (b'{"parts": [{"inlineData": {}}]}', "it is not an image but a reply of the service\n"),
        (b"a fox", "it is not an image\nhint: the service accepts png, jpeg"),
    ],
)
def test_a_file_that_is_no_image_says_what_it_is(
    nb: Nb, service: WireServer, content: bytes, said: str
) -> None:
    Path("fox.png").write_bytes(content)
    expected = f"fox.png cannot be sent: {said}"
    run = nb(*GENERATE, "fox.png")
    assert (run.code, expected in run.err) == (2, True), run.err
    run = nb("caption", "fox.png")
    assert (run.code, expected in run.err) == (2, True), run.err
    Path("m.jsonl").write_text(json.dumps({"prompt": "night", "images": ["fox.png"]}))
    run = nb("batch", "m.jsonl")
    assert run.code == 2
    assert f"m.jsonl:1: images: {expected}".split("\n")[0] in run.err
    assert service.requests == []


def test_an_address_to_describe_is_named(nb: Nb, service: WireServer) -> None:
    run = nb("caption", "https://a.example/fox.png?sig=abc")
    assert (run.code, service.requests) == (2, [])
    assert "https://a.example/fox.png?… is an address, not a file\nhint: download it" in run.err
