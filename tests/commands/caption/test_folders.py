"""`nb caption` over folders: one file's trouble is its own."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import Nb
from support.texts import against, exiftool, save, told
from support.tools import require
from support.wire_server import WireServer

from nanobanana_cli.captions import audit
from nanobanana_cli.captions.describe import Describer
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


def _fail() -> bytes:
    raise RuntimeError


def test_no_exception_of_one_image_ends_the_others() -> None:
    describer = Describer(
        Result("failed", ContentRequest("", "m"), "sandbox"),
        TextDestination(TextSpec("alt"), embed=True),
        open_session=lambda: pytest.fail("nothing to call for"),
        read_stdin=_fail,
        shared={},
    )
    assert describer.needs_call("-")
    result = describer.describe("-")
    assert isinstance(result.error, NbError)
    assert result.error.message == "a defect in nb: RuntimeError"


def test_nor_a_check_of_the_others(nb: Nb) -> None:
    save("a.png")
    nb("caption", "a.png", "--embed", "--provider", "sandbox")
    first, second = audit.check(["-", "a.png"], TextSpec("alt"), _fail, strict=False)
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
