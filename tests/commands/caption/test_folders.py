"""`nb caption` over folders: one file's trouble is its own."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess
from PIL import Image
from support import odd_images
from support.chromium import run_in
from support.replies import picture
from support.texts import against, body, exiftool, save, told
from support.tools import obey_permissions, on_linux, require
from support.wire_server import WireServer

from nanobanana_cli.captions import audit
from nanobanana_cli.captions.describe import Describer
from nanobanana_cli.captions.jobs import Job
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.errors import NbError
from nanobanana_cli.images.xmp import png as png_xmp
from nanobanana_cli.types import ContentRequest, Result

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
XMP += 'syntax-ns#"></rdf:RDF></x:xmpmeta>'


def put_xmp(name: str, packet: bytes) -> None:
    path = Path(name)
    path.write_bytes(png_xmp.with_packet(path.read_bytes(), packet))


def test_a_packet_in_utf_16_ends_no_run(nb: Nb) -> None:
    save("i/a.png", "i/b.png", "i/c.png")
    put_xmp("i/b.png", XMP.encode("utf-16"))
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "-r", "i", "--embed", env=against(server))
    assert (run.code, run.out) == (0, "i/a.png\tA fox.\ni/b.png\tA fox.\ni/c.png\tA fox.\n")
    assert exiftool("i/b.png")["AltTextAccessibility"] == "A fox."
    assert nb("caption", "--read", "-r", "i").code == 0


def test_malformed_xmp_is_named_before_the_call_and_left_out_with_force(nb: Nb) -> None:
    save("a.png", "b.png")
    put_xmp("a.png", b"<x:xmpmeta>")
    before = Path("a.png").read_bytes()
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "b.png", "--embed", env=against(server))
        assert (run.code, run.out, len(server.requests)) == (3, "b.png\tA fox.\n", 1)
        assert "note: a.png: cannot embed text: the XMP packet is not well-formed: " in run.err
        alone = nb("caption", "a.png", "--embed", env=against(server))
        assert (alone.code, len(server.requests)) == (6, 1)
        assert alone.err.splitlines()[-2:] == [
            "hint: leave its XMP out with --force",
            "Not charged.",
        ]
        assert Path("a.png").read_bytes() == before
        assert nb("caption", "a.png", "--embed", "--force", env=against(server)).code == 0
    assert exiftool("a.png")["AltTextAccessibility"] == "A fox."


def _sent(server: WireServer) -> tuple[str, Image.Image]:
    """The type of the picture that was sent, and the picture."""
    part = body(server)["contents"][0]["parts"][0]["inlineData"]
    return part["mimeType"], Image.open(io.BytesIO(base64.b64decode(part["data"])))


def _halves(turned: int = 0) -> Image.Image:
    """Red above blue, stored as if it were to be turned so many times by 90° clockwise."""
    image = Image.new("RGB", (40, 30), "red")
    image.paste((0, 0, 255), (0, 15, 40, 30))
    return image.rotate(90 * turned, expand=True)


def _turn() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


OTHERS: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "a.gif": (_halves(), {"save_all": True, "append_images": [Image.new("RGB", (40, 30))]}),
    "b.bmp": (_halves(), {}),
    "c.tif": (_halves(), {}),
    "d.avif": (_halves(), {"quality": 90}),
    "e-cmyk.tiff": (_halves().convert("CMYK"), {}),
    "f-turned.tif": (_halves(1), {"tiffinfo": {0x0112: 6}}),
    "g-turned.avif": (_halves(1), {"quality": 90, "exif": _turn()}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_service_refuses_is_sent_as_jpeg(nb: Nb, name: str) -> None:
    image, options = OTHERS[name]
    image.save(name, **options)
    with WireServer(told("Red above blue.")) as server:
        run = nb("caption", name, "--as", "html", env=against(server))
        mime_type, sent = _sent(server)
    assert (run.code, mime_type, sent.format) == (0, "image/jpeg", "JPEG")
    assert sent.size == (40, 30)
    assert 'width="40" height="30"' in run.out
    colours = [sent.convert("RGB").getpixel((20, y)) for y in (5, 25)]
    for got, wanted in zip(colours, ((255, 0, 0), (0, 0, 255)), strict=True):
        assert isinstance(got, tuple)
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) < 60


def test_a_folder_holds_them_too(nb: Nb) -> None:
    for name, (image, options) in OTHERS.items():
        image.save(name, **options)
    Path("photo.jfif").write_bytes(picture(image_format="JPEG"))
    run = nb("caption", "-r", ".", "--provider", "sandbox")
    assert [line.split("\t")[0] for line in run.out.splitlines()] == [*OTHERS, "photo.jfif"]


def test_text_in_avif_and_heic_is_read(nb: Nb) -> None:
    image, options = OTHERS["d.avif"]
    image.save("a.avif", **options)
    command = ["exiftool", "-q", "-overwrite_original", "-AltTextAccessibility=A fox.", "a.avif"]
    subprocess.run([require(command[0]), *command[1:]], check=True)
    alt = "<Iptc4xmpCore:AltTextAccessibility>A fox.</Iptc4xmpCore:AltTextAccessibility>"
    Path("b.heic").write_bytes(odd_images.heic(odd_images.packet(alt)))
    Path("c.heic").write_bytes(odd_images.heic(odd_images.packet(alt), in_meta=True))
    Path("d.heic").write_bytes(odd_images.heic())
    assert exiftool("b.heic")["AltTextAccessibility"] == "A fox."
    run = nb("caption", "--read", "a.avif", "b.heic", "c.heic")
    assert (run.code, run.out) == (0, "a.avif\tA fox.\nb.heic\tA fox.\nc.heic\tA fox.\n")
    assert "d.heic has no embedded alt text" in nb("caption", "--read", "d.heic").err
    assert nb("caption", "--check", "a.avif", "b.heic").out.count("has the same text") == 2
    with WireServer(told("x")) as server:
        run = nb("caption", "a.avif", "--write", env=against(server))
        assert (run.code, run.out, server.requests) == (0, "A fox.\n", [])


def test_pictures_are_as_large_as_chromium_shows_them(nb: Nb) -> None:
    for orientation in range(1, 9):
        exif = odd_images.exif(orientation)
        for suffix in ("jpg", "png", "webp", "avif"):
            Image.new("RGB", (40, 30)).save(f"{orientation}.{suffix}", exif=exif)
    run = nb("caption", "-r", ".", "--as", "html", "--provider", "sandbox")
    page = Path("page.html").absolute()
    page.write_text(f"<!doctype html>{run.out}")
    script = """
        const images = [...document.images];
        const loaded = (image) => new Promise((done) => {
            if (image.complete) done();
            image.onload = image.onerror = done;
        });
        await Promise.all(images.map(loaded));
        return images.map((image) => [image.getAttribute("src"), image.width, image.height,
            image.naturalWidth, image.naturalHeight]);
    """
    found = run_in(page, script)
    assert len(found) == 32
    for name, width, height, *natural in found:
        assert [width, height] == natural, name


def test_the_sizes_of_a_picture_share_one_call(nb: Nb) -> None:
    names = ["fox-400w.jpg", "fox-800x600.png", "fox.jpg", "fox@2x.jpg", "wolf.png"]
    for number, name in enumerate(names):
        Image.new("RGB", (40 + 10 * number, 30)).save(name)
    with WireServer(told("A fox."), told("A wolf.")) as server:
        plan = nb("caption", "-r", ".", "--write", "--embed", "--dry-run", env=against(server))
        assert plan.out.count('"contents"') == 2
        assert "2 texts would cost" in plan.err
        run = nb(
            *("caption", "-r", ".", "--write", "--embed", "--concurrency", "1", "--again"),
            env=against(server),
        )
        assert (run.code, len(server.requests)) == (0, 2)
        assert _sent(server)[1].size == (70, 30)  # the largest
    assert run.out.splitlines() == [
        f"{name}\t{'A wolf.' if name == 'wolf.png' else 'A fox.'}" for name in names
    ]
    for name in names[:4]:
        assert Path(name).with_suffix(".alt.txt").read_text() == "A fox.\n"
        assert exiftool(name)["AltTextAccessibility"] == "A fox."
    assert nb("caption", "--check", "-r", ".").code == 0

    # A size that comes later has its text already.
    Image.new("RGB", (400, 300)).save("fox-1200w.webp")
    later = nb("caption", "-r", ".", "--write")
    assert later.code == 0
    assert Path("fox-1200w.alt.txt").read_text() == "A fox.\n"


def test_many_threads_make_one_call_for_the_sizes_of_a_picture(nb: Nb) -> None:
    for width in range(100, 120):
        Image.new("RGB", (40, 30)).save(f"fox-{width}w.png")
    with WireServer(told("A fox.", delay=0.2)) as server:
        run = nb("caption", "-r", ".", "--json", env=against(server))
        assert (run.code, len(server.requests)) == (0, 1)
    records = [json.loads(line) for line in run.out.splitlines()]
    assert {record["alt"] for record in records} == {"A fox."}
    assert sum(record["attempts"] for record in records) == 1
    with WireServer(told("I cannot help with that.")) as server:
        run = nb("caption", "-r", ".", "--write", env=against(server))
        # What may have been charged is not asked again.
        assert (run.code, len(server.requests)) == (3, 1)


def test_camera_names_and_decorative_pictures_are_told_apart(nb: Nb) -> None:
    save("IMG_1234.png", "IMG_1235.png", "line.png", "line@2x.png", "lego-2x4.png", "lego-2x2.png")
    Path("line.alt.txt").write_text("")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "-r", ".", "--write", env=against(server))
        assert (run.code, len(server.requests)) == (0, 4)
    assert not Path("line@2x.alt.txt").exists()
    assert nb("caption", "--check", "-r", ".").out.count("have the same text") == 4


@on_linux
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_that_cannot_be_searched_stops_no_other(nb_process: NbProcess, mode: int) -> None:
    save("i/a.png", "i/shut/b.png", "i/z/c.png")
    Path("i/z/c.alt.txt").write_text("A wolf on the hill.\n")
    Path("i/shut").chmod(mode)

    def run(*argv: str) -> tuple[int, str, str]:
        process = nb_process.start(
            "caption", "-r", "i", *argv, env=against(server), preexec_fn=obey_permissions
        )
        out, err = process.communicate(timeout=30)
        return process.returncode, out.decode(), err.decode()

    try:
        with WireServer(told("A fox.")) as server:
            code, out, err = run("--write")
            assert (code, out) == (3, "i/a.png\tA fox.\ni/z/c.png\tA wolf on the hill.\n")
            assert "i/shut" in err
            assert "permission denied" in err
            code, out, err = run("--check")
            assert (code, out.startswith("i/shut")) == (0, True)
            assert "not checked: " in out
            assert "permission denied" in out
            said = "1 folder not searched" if mode == 0 else "1 not checked"
            assert err.endswith(f"{said}\n")
            assert run("--check", "--strict")[0] == 3
            record = json.loads(run("--check", "--json")[1].splitlines()[-1 if mode == 0 else 1])
            assert (record["status"], record["problems"][0]["level"]) == ("skipped", "unchecked")
            code, _, err = run("--read")
            assert code == 3
            assert "i/shut" in err
    finally:
        Path("i/shut").chmod(0o700)


def _fail() -> bytes:
    raise RuntimeError


def test_no_exception_of_one_image_ends_the_others() -> None:
    describer = Describer(
        Result("failed", ContentRequest("", "m"), "sandbox"),
        open_session=lambda: pytest.fail("nothing to call for"),
        read_stdin=_fail,
    )
    job = Job("-", TextDestination(TextSpec("alt"), embed=True))
    assert not describer.needs_call(job)
    result = describer.describe(job)
    assert isinstance(result.error, NbError)
    assert result.error.message == "a defect in nb: RuntimeError"


def test_nor_a_check_of_the_others(nb: Nb) -> None:
    save("a.png")
    nb("caption", "a.png", "--embed", "--provider", "sandbox")
    first, second = audit.check(["-", "a.png"], [TextSpec("alt")], _fail, strict=False)
    assert (first.status, second.status) == ("skipped", "unchanged")
    assert first.problems[0].message == "a defect in nb: RuntimeError"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_owner_mode_and_time_are_as_after_exiftool(nb: Nb) -> None:
    save("nb.png", "et.png")
    found = []
    for name in ("nb.png", "et.png"):
        path = Path(name)
        path.chmod(0o444)
        os.chown(path, 1234, 2345)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        Path(f"hard-{name}").hardlink_to(path)
        before = path.read_bytes()
        if name == "nb.png":
            assert nb("caption", name, "--embed", "--provider", "sandbox").code == 0
        else:
            command = [require("exiftool"), "-q", "-overwrite_original", "-Title=x", name]
            subprocess.run(command, check=True)
        assert Path(f"hard-{name}").read_bytes() == before
        status = path.stat()
        is_new = status.st_mtime > 1_500_000_000
        mode = stat.S_IMODE(status.st_mode)
        found.append((status.st_uid, status.st_gid, mode, status.st_nlink, is_new))
    assert found == [(1234, 2345, 0o444, 1, True)] * 2
