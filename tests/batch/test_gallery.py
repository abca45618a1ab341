"""The gallery: what is on it, in real Chromium too."""

from __future__ import annotations

import json
import os
import re
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import Nb
from hypothesis import given, settings
from hypothesis import strategies as st
from support import axe, chromium, pngs
from support.counting_server import CountingServer, image
from support.replies import made
from support.tools import on_linux
from support.wire_server import WireServer

from nanobanana_cli.batch import gallery
from nanobanana_cli.batch.item import Item, RowSettings
from nanobanana_cli.images.formats import verify
from nanobanana_cli.types import Parameters

_MIB = 1 << 20
HOSTILE = (
    "</li></bdi><script>document.title='hacked'</script><img src=x onerror=alert(1)> \"'&amp; "
    "\u202edesrever\u2069 \x00\x1b[31m ]]> <!-- {{x}} javascript:alert(1)"
)
ROWS = [
    {"prompt": "a red fox", "output": "out/fox.png", "aspect": "16:9"},
    {"prompt": HOSTILE, "output": "out/javascript&alert(1)#'%22.png"},
    {"prompt": "ثعلب أحمر", "output": "ثعلب.png"},
    {"prompt": "a very long story " * 40, "output": "long.webp"},
    {"prompt": "refused", "output": "refused.png"},
]


@pytest.fixture
def page(nb: Nb) -> Path:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    with CountingServer(lambda prompt, _: 400 if prompt == "refused" else 200) as server:
        run = nb("batch", "m.jsonl", "--gallery", "index.html", env=server.env)
    assert run.code == 3, run.err
    return Path("index.html").resolve()


def test_damaged_metadata_hinders_no_row(nb: Nb) -> None:
    whole = image("a fox")
    odd = whole[:33] + pngs.chunk(b"iCCP") + pngs.chunk(b"tRNS", b"\0") + whole[33:]
    rows = [{"prompt": "a fox", "output": name} for name in ("fox.png", "fox.jpg")]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with WireServer(made(odd)) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        run = nb("batch", "m.jsonl", "--gallery", "index.html", env=env)
    assert run.code == 0, run.err
    assert Path("fox.png").read_bytes() == odd
    assert verify(Path("fox.jpg").read_bytes()).format == "jpeg"
    assert Path("index.html").read_text().count("<img ") == 2


class Elements(HTMLParser):
    """Gathers elements and texts as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_it_shows_images_and_failures(page: Path) -> None:
    found = Elements(page.read_text("utf-8"))
    assert next(image["alt"] for image in found.all("img")) == "a red fox"
    assert len(found.all("img")) == 4
    text = "".join(found.texts)
    for word in ("a red fox", "16:9", "1K", "gemini-3.1-flash-image-preview", "$0.058"):
        assert word in text
    assert "status 400" in text
    assert "4 of 5 images · $0.232" in text


def facts(found: Elements) -> list[str]:
    """The terms and their values, one after the other."""
    return [text for text in map(str.strip, found.texts) if text]


def test_what_all_images_share_is_said_once(nb: Nb, page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.count("gemini-3.1-flash-image-preview") == text.count("<dt>Size</dt>") == 1
    header, _, cards = text.partition("</header>")
    assert "gemini-3.1-flash-image-preview" in header
    assert "<dt>Aspect</dt>" not in header
    assert cards.count("<dt>Aspect</dt>") == 5
    # One image shares nothing with others.
    one_row()
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", "--gallery", "one.html", env=server.env).code == 0
    header, _, cards = Path("one.html").read_text("utf-8").partition("</header>")
    assert "<dt>Model</dt>" not in header
    assert "<dt>Model</dt>" in cards


def test_cards_of_failures_say_what_they_cost(nb: Nb) -> None:
    rows = [{"prompt": prompt, "output": f"{prompt}.png"} for prompt in ("made", "bad", "cut")]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    answers = {"bad": 400, "cut": 0}
    with CountingServer(lambda prompt, _: answers.get(prompt, 200)) as server:
        run = nb("batch", "m.jsonl", "--gallery", "index.html", env=server.env)
    assert run.code == 3
    found = facts(Elements(Path("index.html").read_text("utf-8")))
    assert found[found.index("Price") + 1] == "$0.058"
    charges = [found[at + 1] for at, text in enumerate(found) if text == "Charge"]
    assert charges == ["Not charged.", "May have been charged: $0.058."]


@pytest.mark.parametrize("option", ["--status", "--check", "--dry-run", "--limit=1"])
def test_it_is_written_without_calls(nb: Nb, page: Path, option: str) -> None:
    page.unlink()
    with CountingServer(lambda _prompt, _nth: 400) as server:
        run = nb("batch", "m.jsonl", option, "--gallery", "index.html", env=server.env)
        assert server.calls.total() == (option == "--limit=1")
    assert "\nindex.html: a gallery of 5 images\n" in run.err
    found = Elements(page.read_text("utf-8"))
    assert len(found.all("img")) == 4
    texts = facts(found)
    assert texts[texts.index("Charge") + 1] == "Not charged."
    assert any("status 400" in text for text in texts)


def test_only_does_not_narrow_it(nb: Nb, page: Path) -> None:
    page.unlink()
    with CountingServer() as server:
        options = ("--only", "refused.png", "--gallery", "index.html")
        run = nb("batch", "m.jsonl", *options, env=server.env)
        assert (run.code, server.calls.total()) == (0, 1)
    assert len(Elements(page.read_text("utf-8")).all("img")) == 5
    assert "5 of 5 images" in page.read_text("utf-8")
    # A card for each, made or not, where the run has failures too.
    Path("m.jsonl").write_text("\n".join(json.dumps({"prompt": f"fox {n}"}) for n in range(4)))
    with CountingServer(lambda _prompt, _nth: 0) as server:
        options = ("--only", "fox-2*", "--gallery", "index.html")
        assert nb("batch", "m.jsonl", *options, env=server.env).code == 3
    texts = facts(Elements(page.read_text("utf-8")))
    assert texts.count("No image") == 4
    assert texts.count("not made yet") == 3
    assert texts.count("May have been charged: $0.058.") == 1


def test_a_file_of_the_users_own_has_no_price(nb: Nb) -> None:
    Path("m.jsonl").write_text(json.dumps({"prompt": "fox", "output": "fox.png"}))
    Path("fox.png").write_bytes(image("my own"))
    for option in (("--dry-run",), ("--accept", "*")):
        nb("batch", "m.jsonl", *option)
        nb("batch", "m.jsonl", "--status", "--gallery", "index.html")
        page = Path("index.html").read_text("utf-8")
        assert "<p>1 of 1 images · free</p>" in page
        assert "$0.058" not in page


def test_cards_have_id_and_note(nb: Nb) -> None:
    row = {"prompt": "a fox", "output": "fox.png", "id": 12, "note": "<b>for</b> the front page"}
    Path("m.jsonl").write_text(json.dumps(row))
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", "--gallery", "index.html", env=server.env).code == 0
    found = facts(Elements(Path("index.html").read_text("utf-8")))
    assert found[found.index("ID") + 1] == "12"
    assert found[found.index("Note") + 1] == "<b>for</b> the front page"


def test_it_needs_nothing_from_elsewhere(page: Path) -> None:
    found = Elements(page.read_text("utf-8"))
    sources = [each.get("src") for _, each in found.elements if each.get("src")]
    assert all(str(source).startswith("data:image/webp;base64,") for source in sources)
    assert not found.all("link")
    assert len(found.all("script")) == 1
    for link in found.all("a"):
        assert re.fullmatch(r"\./[\w./%()~-]+", str(link["href"]))


def test_a_second_run_shows_what_was_there(nb: Nb, page: Path) -> None:
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "--gallery", str(page), env=server.env)
        assert run.code == 0
        assert server.calls.total() == 1
    assert len(Elements(page.read_text("utf-8")).all("img")) == 5


def one_row() -> None:
    Path("m.jsonl").write_text('{"prompt": "a red fox", "output": "fox.png"}')


@pytest.mark.parametrize("place", ["", "-"])
def test_it_needs_a_file(nb: Nb, place: str) -> None:
    one_row()
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "--gallery", place, env=server.env)
        assert (run.code, server.calls.total()) == (2, 0)
    assert run.err.startswith("nb: --gallery needs a file\n")


@on_linux
def test_a_folder_may_have_any_name(nb: Nb) -> None:
    folder = Path(os.fsdecode(b"f\xfcchse"))
    folder.mkdir()
    one_row()
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "-o", folder, "--gallery", "index.html", env=server.env)
    assert run.code == 0, run.err
    (link,) = Elements(Path("index.html").read_text("utf-8")).all("a")
    assert link["href"] == "./f%FCchse/fox.png"


def test_a_page_of_somebody_else_stays(nb: Nb) -> None:
    one_row()
    Path("index.html").write_text("<h1>mine</h1>")
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "--gallery", "index.html", env=server.env)
        assert (run.code, server.calls.total()) == (12, 0)
        assert Path("index.html").read_text() == "<h1>mine</h1>"
        assert (
            nb("batch", "m.jsonl", "--gallery", "index.html", "--force", env=server.env).code == 0
        )
        assert ": gallery</title>" in Path("index.html").read_text()


def test_a_page_that_comes_during_the_run_stays(nb: Nb) -> None:
    one_row()

    def spoil(_prompt: str, _nth: int) -> int:
        Path("index.html").write_text("<h1>mine</h1>")
        return 200

    with CountingServer(spoil) as server:
        run = nb("batch", "m.jsonl", "--gallery", "index.html", env=server.env)
    assert run.code == 12
    assert run.err.rstrip().endswith("\nCharged.")
    assert Path("index.html").read_text() == "<h1>mine</h1>"


@pytest.mark.parametrize("path", ["fox.png", "./FOX.png", "fox.alt.txt"])
def test_it_takes_no_place_of_what_is_paid_for(nb: Nb, path: str) -> None:
    Path("m.jsonl").write_text('{"prompt": "a red fox", "output": "fox.png", "alt": true}')
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "--gallery", path, "--force", env=server.env)
        assert (run.code, server.calls.total()) == (2, 0)
    assert "is the manifest, its ledger or the gallery" in run.err


@pytest.mark.parametrize(
    ("path", "code"), [("m.jsonl", 2), ("./m.ledger.jsonl", 2), ("folder", 6), ("m.jsonl/x", 6)]
)
def test_places_that_it_cannot_go_to_are_told_first(nb: Nb, path: str, code: int) -> None:
    one_row()
    Path("folder").mkdir()
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "--gallery", path, "--force", env=server.env)
        assert (run.code, server.calls.total()) == (code, 0), run.err


def test_one_that_cannot_be_written_in_the_end_loses_nothing(nb: Nb) -> None:
    one_row()

    def spoil(_prompt: str, _nth: int) -> int:
        Path("index.html").mkdir()
        return 200

    with CountingServer(spoil) as server:
        run = nb("batch", "m.jsonl", "--gallery", "index.html", env=server.env)
    assert run.code == 6
    assert "1 made in" in run.err
    assert "it is a folder" in run.err
    assert run.err.rstrip().endswith("\nCharged.")


def test_reference_images_do_not_stay_in_memory(nb: Nb) -> None:
    Path("ref.png").write_bytes(image("reference") + bytes(_MIB))
    rows = [{"prompt": f"fox {n}", "output": f"{n}.png", "images": "ref.png"} for n in range(24)]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    held: list[int] = []

    def measure(_prompt: str, _nth: int) -> int:
        held.append(tracemalloc.get_traced_memory()[0])
        return 400 if len(held) % 2 else 200

    options = ("--concurrency", "1", "--gallery", "index.html")
    tracemalloc.start()
    try:
        with CountingServer(measure) as server:
            assert nb("batch", "m.jsonl", *options, env=server.env).code == 3
    finally:
        tracemalloc.stop()
    assert "12 of 24 images" in Path("index.html").read_text()
    # Twelve rows more, made and failed, and not twelve images.
    assert held[23] - held[11] < 6 * _MIB


def test_a_folder_that_is_not_there_is_told_first(nb: Nb) -> None:
    Path("m.jsonl").write_text(json.dumps(ROWS[0]))
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "--gallery", "none/index.html", env=server.env)
        assert run.code == 6
        assert not server.calls


def test_chromium_runs_its_script_and_no_other(page: Path) -> None:
    after = chromium.dom(page)
    assert "5 of 5 shown" in after
    assert "<title>m.jsonl: gallery</title>" in after
    assert Elements(after).all("form")[0].get("hidden", "shown") == "shown"


def test_the_filter(page: Path) -> None:
    counts = chromium.run_in(
        page,
        """const counts = {}; const box = document.getElementById("filter");
        for (const word of ["fox", "FOX red", "1K", "nothing", ""]) {
          box.value = word; box.dispatchEvent(new Event("input"));
          counts[word] = document.querySelectorAll(".grid > li:not([hidden])").length;
        }
        document.getElementById("failed-only").click();
        counts.failed = document.getElementById("shown").textContent;
        return counts;""",
    )
    assert counts == {
        "fox": 1,
        "FOX red": 1,
        "1K": 5,
        "nothing": 0,
        "": 5,
        "failed": "1 of 5 shown",
    }


def test_links_lead_to_the_images(page: Path) -> None:
    links = chromium.run_in(
        page, "return Array.from(document.links, (link) => decodeURIComponent(link.pathname))"
    )
    assert all(Path(link).is_file() for link in links)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_it_fits_phones_and_desktops(page: Path, width: int, height: int) -> None:
    picture = verify(chromium.screenshot(page, width, height))
    assert (picture.width, picture.height) == (width, height)


def test_axe_finds_no_violation(page: Path) -> None:
    violations = chromium.run_in(
        page,
        """const found = await axe.run();
        return found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]);""",
        scripts=(axe.library(),),
    )
    assert violations == []


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_inert(name: str, prompt: str, problem: str) -> None:
    def item(prompt: str) -> Item:
        return Item(
            1, prompt, RowSettings("m", "1:1", "1K", None), (), Parameters(), "", {}, "x.png"
        )

    entry = gallery.Entry(name, item(prompt), None, None, None, problem)
    found = Elements("".join(gallery._card(entry, "/", {})))
    plain = gallery.Entry("n", item("p"), None, None, None, "x")
    assert found.elements == Elements("".join(gallery._card(plain, "/", {}))).elements
