"""`nb caption --write` and `--embed`: texts beside and inside images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from support.replies import picture
from support.texts import against, body, exiftool, save, told
from support.tools import obey_permissions, on_linux
from support.wire_server import WireServer


def texts() -> dict[str, str]:
    """Every text file with what it says."""
    return {str(path): path.read_text() for path in sorted(Path().rglob("*.alt.txt"))}


def test_each_text_goes_beside_its_image(nb: Nb) -> None:
    save("i/a.png", "i/sub/b.jpg")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "-r", "i", "--write", env=against(server))
    assert (run.code, run.out) == (0, "i/a.png\tA fox.\ni/sub/b.jpg\tA fox.\n")
    assert run.err.splitlines() == [
        *("2 texts would cost at most $0.116", "i/a.alt.txt written", "i/sub/b.alt.txt written"),
        "2 answers, at most $0.116",
    ]
    assert texts() == {"i/a.alt.txt": "A fox.\n", "i/sub/b.alt.txt": "A fox.\n"}


def test_those_that_have_one_are_left_alone(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("a.alt.txt").write_text("Mine, by hand.\n")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "b.png", "--write", env=against(server))
        assert len(server.requests) == 1
        assert run.out == "a.png\tMine, by hand.\nb.png\tA fox.\n"
        again = nb("caption", "a.png", "b.png", "--write", "--json", env=against(server))
        assert len(server.requests) == 1
    records = [json.loads(line) for line in again.out.splitlines()]
    assert [record["status"] for record in records] == ["skipped", "skipped"]
    assert [record["alt"] for record in records] == ["Mine, by hand.", "A fox."]
    assert texts() == {"a.alt.txt": "Mine, by hand.\n", "b.alt.txt": "A fox.\n"}


def test_where_no_text_is_missing_no_key_is_needed(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text('"Stop"\n')
    run = nb("caption", "a.png", "--write", "--as", "markdown")
    assert (run.code, run.out) == (0, '!["Stop"](a.png)\n'.replace("\\", ""))
    run = nb("caption", "a.png", "--write", "--embed")
    assert (run.code, run.out) == (0, '"Stop"\n')
    assert exiftool("a.png")["AltTextAccessibility"] == '"Stop"'


def test_an_empty_text_by_hand_is_left_alone_too(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "--write", env=against(server))
    assert (run.code, server.requests) == (0, [])
    assert texts() == {"a.alt.txt": ""}


@pytest.mark.parametrize("more", [(), ("--again",), ("--embed",), ("--embed", "--again")])
def test_the_formats_of_one_picture_share_a_text(nb: Nb, more: tuple[str, ...]) -> None:
    save("fox.jpg", "fox.png", "fox.webp")
    given = ("caption", "fox.jpg", "fox.png", "fox.webp", "--write", *more)
    with WireServer(told("A fox.", delay=0.1)) as server:
        run = nb(*given, env=against(server))
        assert len(server.requests) == 1
        assert (run.code, run.out) == (0, "".join(f"{name}\tA fox.\n" for name in given[1:4]))
        assert nb(*given[:5], *more[:1], env=against(server)).out == run.out
        assert len(server.requests) == 1 + ("--again" in more[:1])
    assert texts() == {"fox.alt.txt": "A fox.\n"}
    for name in given[1:4]:
        assert exiftool(name).get("AltTextAccessibility") == (
            "A fox." if "--embed" in more else None
        )


def test_formats_that_hold_no_text_share_a_file(nb: Nb) -> None:
    for name in ("fox.gif", "fox.bmp"):
        Path(name).write_bytes(picture(image_format=name[-3:].upper()))
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "fox.gif", "fox.bmp", "--embed", env=against(server))
        assert (run.code, len(server.requests)) == (0, 1)
    assert texts() == {"fox.alt.txt": "A fox.\n"}


def test_a_file_that_images_share_gets_the_text_of_the_first(nb: Nb) -> None:
    save("fox.png", "fox.webp")
    nb("caption", "fox.png", "--text", "One.", "--embed")
    nb("caption", "fox.webp", "--text", "Two.", "--embed")
    run = nb("caption", "fox.png", "fox.webp", "--write")
    assert (run.code, run.out) == (0, "fox.png\tOne.\nfox.webp\tOne.\n")
    run = nb("caption", "fox.png", "fox.webp", "--write", "--force")
    assert (run.code, run.out) == (0, "fox.png\tOne.\n")
    assert "fox.webp shares fox.alt.txt with fox.png, left alone" in run.err
    Path("mine.csv").write_text("path,text\nfox.png,Three.\nfox.webp,Four.\n")
    run = nb("caption", "--text-file", "mine.csv", "--write", "--embed", "--force")
    assert "fox.webp shares fox.alt.txt with fox.png, left alone" in run.err
    assert texts() == {"fox.alt.txt": "Three.\n"}


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_embed_writes_into_the_file(nb: Nb, name: str) -> None:
    save(name)
    with WireServer(told('A "fox" & <co> — 🦊')) as server:
        run = nb("caption", name, "--embed", env=against(server))
        assert (run.code, run.out) == (0, 'A "fox" & <co> — 🦊\n')
        seen = exiftool(name)
        assert seen["AltTextAccessibility"] == 'A "fox" & <co> — 🦊'
        assert "DigitalSourceType" not in seen
        assert nb("caption", "--read", name).out == run.out
        again = nb("caption", name, "--embed", env=against(server))
    assert (again.code, again.out, len(server.requests)) == (0, run.out, 1)


def test_a_long_text_has_its_own_field(nb: Nb) -> None:
    save("a.png")
    with WireServer(told("Short."), told("A long description.")) as server:
        nb("caption", "a.png", "--embed", env=against(server))
        nb("caption", "a.png", "--embed", "--style", "long", env=against(server))
    seen = exiftool("a.png")
    assert seen["AltTextAccessibility"] == "Short."
    assert seen["ExtDescrAccessibility"] == "A long description."
    assert nb("caption", "--read", "a.png", "--style", "long").out == "A long description.\n"


def test_a_text_beside_the_image_is_embedded_without_a_call(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("Mine, by hand.\n")
    run = nb("caption", "a.png", "--embed", "--provider", "sandbox", "--json")
    record = json.loads(run.out)
    assert (record["attempts"], record["alt"]) == (0, "Mine, by hand.")
    assert exiftool("a.png")["AltTextAccessibility"] == "Mine, by hand."


def test_an_embedded_text_is_written_without_a_call(nb: Nb) -> None:
    save("a.png")
    nb("caption", "a.png", "--embed", "--provider", "sandbox")
    with WireServer(told("other")) as server:
        run = nb("caption", "a.png", "--write", env=against(server))
    assert (run.code, server.requests) == (0, [])
    assert texts() == {"a.alt.txt": run.out}


def test_a_text_file_is_no_source_for_a_long_description(nb: Nb) -> None:
    save("a.png")
    Path("a.alt.txt").write_text("Short.\n")
    with WireServer(told("A long description.")) as server:
        nb("caption", "a.png", "--embed", "--style", "long", env=against(server))
        assert len(server.requests) == 1
    assert exiftool("a.png")["ExtDescrAccessibility"] == "A long description."


@pytest.mark.parametrize("lang", ["de", "German", "Deutsch", "Swiss German"])
def test_the_language_goes_along_when_its_tag_is_known(nb: Nb, lang: str) -> None:
    save("a.png")
    with WireServer(told("Ein Fuchs.")) as server:
        nb("caption", "a.png", "--embed", "--lang", lang, env=against(server))
    assert ("AltTextAccessibility-de" in exiftool("a.png")) == (lang != "Swiss German")


def sign(name: str) -> None:
    """Put something into the file that stands where a C2PA manifest would."""
    import struct
    import zlib

    data = Path(name).read_bytes()
    chunk = b"caBX" + b"jumb c2pa"
    made = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    Path(name).write_bytes(data[:33] + made + data[33:])


def test_a_signed_file_is_refused_before_the_call(nb: Nb) -> None:
    save("a.png")
    sign("a.png")
    before = Path("a.png").read_bytes()
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.png", "--embed", env=against(server))
        assert (run.code, server.requests) == (6, [])
        assert run.err.splitlines() == [
            "nb: a.png: it is signed with C2PA, and the edit would break the signature",
            "hint: --break-signature edits it anyway; --write keeps the text beside it",
            "Not charged.",
        ]
        assert Path("a.png").read_bytes() == before
        run = nb("caption", "a.png", "--embed", "--force", env=against(server))
        assert (run.code, server.requests) == (6, [])
        run = nb("caption", "a.png", "--embed", "--break-signature", env=against(server))
    assert (run.code, run.out) == (0, "A fox.\n")
    assert exiftool("a.png")["AltTextAccessibility"] == "A fox."


@pytest.mark.parametrize("options", [("--embed",), ("--embed", "--write")])
def test_the_text_of_a_signed_new_image_goes_beside_it(nb: Nb, options: tuple[str, ...]) -> None:
    from support.texts import drawn

    Path("in.png").write_bytes(picture(1024, 1024))
    sign("in.png")
    data = Path("in.png").read_bytes()
    with WireServer(drawn("A fox.", data)) as server:
        run = nb("caption", "a fox", "-o", "out.png", *options, env=against(server))
        assert (run.code, run.out) == (0, "A fox.\n")
        assert Path("out.png").read_bytes() == data
        assert texts() == {"out.alt.txt": "A fox.\n"}
        assert run.err.splitlines()[-1] == (
            "note: out.png is signed with C2PA, which an edit would break, so the text is not "
            "inside but in out.alt.txt: nb caption out.png --embed --break-signature embeds it"
        )
        # As the note says.
        run = nb("caption", "out.png", "--embed", "--break-signature", env=against(server))
        assert (run.code, len(server.requests)) == (0, 1)
    assert exiftool("out.png")["AltTextAccessibility"] == "A fox."


def test_a_signed_new_image_is_edited_on_request(nb: Nb) -> None:
    from support.texts import drawn

    Path("in.png").write_bytes(picture(1024, 1024))
    sign("in.png")
    with WireServer(drawn("A fox.", Path("in.png").read_bytes())) as server:
        run = nb(
            *("caption", "a fox", "-o", "out.png", "--embed", "--break-signature"),
            env=against(server),
        )
    assert (run.code, texts()) == (0, {})
    assert exiftool("out.png")["AltTextAccessibility"] == "A fox."


@on_linux
@pytest.mark.parametrize("options", [["--write"], ["--embed"], ["--write", "--again"]])
def test_a_folder_that_cannot_be_written_is_told_before_the_call(
    nb_process: NbProcess, options: list[str]
) -> None:
    save("shut/a.png", "b.png")
    before = Path("shut/a.png").read_bytes()
    Path("shut").chmod(0o500)
    try:
        with WireServer(told("A fox.")) as server:
            for images, code in ((["shut/a.png"], 6), (["shut/a.png", "b.png"], 3)):
                process = nb_process.start(
                    *("caption", *images, *options),
                    env=against(server),
                    preexec_fn=obey_permissions,
                )
                out, err = process.communicate(timeout=30)
                assert process.returncode == code
                assert b"shut cannot be written: permission denied\n" in err
                assert len(server.requests) == len(images) - 1
            assert out == b"b.png\tA fox.\n"
            assert b"Not charged." not in err
    finally:
        Path("shut").chmod(0o700)
    assert Path("shut/a.png").read_bytes() == before
    assert [path.name for path in Path("shut").iterdir()] == ["a.png"]


@on_linux
def test_a_text_beside_a_descriptor_is_refused_before_the_call(nb_process: NbProcess) -> None:
    save("a.png")
    with WireServer(told("A fox.")) as server, Path("a.png").open("rb") as file:
        number = file.fileno()
        process = nb_process.start(
            *("caption", f"/dev/fd/{number}", "--write"), env=against(server), pass_fds=[number]
        )
        _, err = process.communicate(timeout=30)
    assert (process.returncode, server.requests) == (6, [])
    assert err.endswith(b"\nNot charged.\n")


def test_a_file_without_room_for_a_text_is_refused_before_the_call(nb: Nb) -> None:
    save("a.jpg")
    with WireServer(told("x" * 900)) as server:
        packet = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><!--{'y' * 61_000}--></x:xmpmeta>".encode()
        body = b"http://ns.adobe.com/xap/1.0/\0" + packet
        data = Path("a.jpg").read_bytes()
        segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body
        Path("a.jpg").write_bytes(data[:2] + segment + data[2:])
        run = nb("caption", "a.jpg", "--embed", "--style", "long", env=against(server))
    assert (run.code, server.requests) == (6, [])
    assert "cannot embed text" in run.err


@pytest.mark.parametrize("style", ["alt", "long"])
def test_the_text_of_a_format_that_holds_none_goes_beside_it(nb: Nb, style: str) -> None:
    before = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    Path("a.heic").write_bytes(before)
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.heic", "--embed", "--style", style, env=against(server))
        again = nb("caption", "a.heic", "--embed", "--style", style, env=against(server))
        assert len(server.requests) == 1
    assert (run.code, run.out, Path("a.heic").read_bytes()) == (0, "A fox.\n", before)
    place = f"a.{style}.txt"
    said = f"note: nb embeds no text in HEIC files, so the text of a.heic is in {place}\n"
    assert said in run.err
    assert Path(place).read_text() == "A fox.\n"
    assert (again.code, again.out, "embeds no text" in again.err) == (0, "A fox.\n", False)


def test_a_new_image_of_such_a_format_has_its_text_beside_it(nb: Nb) -> None:
    from support.texts import drawn

    Path("out").mkdir()
    with WireServer(drawn("A fox.", picture(1024, 1024, "GIF"))) as server:
        run = nb("caption", "a fox", "-o", "out/", "--embed", env=against(server))
    assert (run.code, run.out) == (0, "A fox.\n")
    assert "nb embeds no text in GIF files, so the text of out/" in run.err
    assert list(texts().values()) == ["A fox.\n"]


@pytest.mark.parametrize("has_reference", [False, True])
def test_an_edit_of_a_picture_says_that_it_is_composite(nb: Nb, has_reference: bool) -> None:
    from support.texts import drawn

    save("photo.jpg")
    edit = ["-i", "photo.jpg"] if has_reference else []
    with WireServer(drawn("A fox.")) as server:
        run = nb("caption", "a fox", *edit, "-o", "fox.png", "--embed", env=against(server))
    assert run.code == 0
    kind = "compositeWithTrainedAlgorithmicMedia" if has_reference else "trainedAlgorithmicMedia"
    source = exiftool("fox.png")["DigitalSourceType"]
    assert source == f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"


def test_read_tells_each_and_fails_for_those_without(nb: Nb) -> None:
    save("a.png", "b.png")
    nb("caption", "a.png", "--embed", "--provider", "sandbox", "--lang", "en")
    run = nb("caption", "--read", "a.png", "b.png")
    assert run.code == 3
    assert run.out.startswith("a.png\tA mostly ")
    assert run.err.splitlines()[0] == "note: b.png has no embedded alt text"
    assert "harged" not in run.err
    assert nb("caption", "--read", "a.png", "--as", "html").out.startswith('<img src="a.png" alt="')
    record = json.loads(nb("caption", "--read", "a.png", "--json").out)
    assert sorted(record) == ["alt", "description", "digital_source_type", "path"]


def test_read_tells_of_files_that_it_cannot_read(nb: Nb) -> None:
    save("a.png")
    Path("b.png").write_bytes(b"no image")
    nb("caption", "a.png", "--embed", "--provider", "sandbox")
    run = nb("caption", "--read", "a.png", "b.png")
    assert run.code == 3
    assert nb("caption", "--read", "b.png").code == 6


def test_the_text_in_a_damaged_file_can_be_read(nb: Nb) -> None:
    save("a.png", "b.png")
    nb("caption", "a.png", "b.png", "--embed", "--provider", "sandbox")
    data = Path("a.png").read_bytes()
    Path("a.png").write_bytes(data[:-1] + b"x")
    run = nb("caption", "--read", "a.png", "b.png", "--as", "html")
    assert run.code == 0
    first, second = run.out.splitlines()
    assert ("width=" in first, "width=" in second) == (False, True)


def test_embedding_keeps_the_mode_and_follows_links(nb: Nb) -> None:
    save("a.png")
    Path("a.png").chmod(0o640)
    Path("link.png").symlink_to("a.png")
    run = nb("caption", "link.png", "--embed", "--provider", "sandbox")
    assert run.code == 0
    assert Path("link.png").is_symlink()
    assert Path("a.png").stat().st_mode & 0o777 == 0o640
    assert exiftool("a.png")["AltTextAccessibility"] == run.out.strip()


def test_what_is_asked_goes_for_each(nb: Nb) -> None:
    save("a.png")
    with WireServer(told("x")) as server:
        nb(
            *("caption", "a.png", "--system", "s", "--temperature", "0", "--seed", "3"),
            *("--context", "A page.", "--style", "tags"),
            env=against(server),
        )
    sent = body(server)
    assert sent["generationConfig"]["temperature"] == 0
    assert sent["systemInstruction"]["parts"][0]["text"] == "s"
    assert "<context>\nA page.\n</context>" in sent["contents"][0]["parts"][1]["text"]
