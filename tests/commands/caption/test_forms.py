"""The forms of `--as`, from the command line to a reader of each."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from conftest import Nb
from support.texts import against, drawn, save, told
from support.wire_server import WireServer

FOX, WOLF = 'A "fox" & {{co}}, Füchse 🦊.', "A wolf on the hill."


def test_json_map_is_one_object_of_path_and_text(nb: Nb) -> None:
    save("i/a.png", "i/b.png", "i/c.png")
    Path("i/b.png").write_bytes(b"damaged")
    with WireServer(told(FOX), told(WOLF)) as server:
        env = against(server)
        run = nb(
            *("caption", "-r", "i", "--as", "json-map", "--relative-to", "i"),
            *("--concurrency", "1"),
            env=env,
        )
    assert (run.code, json.loads(run.out)) == (3, {"a.png": FOX, "c.png": WOLF})
    assert run.out.isascii()


def test_json_map_has_an_object_a_picture_for_several_languages(nb: Nb) -> None:
    save("a.png", "b.png")
    with WireServer(told("one"), told("eins"), told("two"), told("zwei")) as server:
        run = nb(
            *("caption", "a.png", "b.png", "--lang", "en,de", "--as", "json-map"),
            *("--concurrency", "1"),
            env=against(server),
        )
    assert run.code == 0
    assert json.loads(run.out) == {
        "a.png": {"en": "one", "de": "eins"},
        "b.png": {"en": "two", "de": "zwei"},
    }


def test_json_map_is_whole_without_texts_and_for_what_is_embedded(nb: Nb) -> None:
    save("a.png", "b.png")
    run = nb("caption", "--read", "a.png", "b.png", "--as", "json-map")
    assert (run.code, json.loads(run.out)) == (3, {})
    nb("caption", "a.png", "b.png", "--embed", "--provider", "sandbox")
    run = nb("caption", "--read", "a.png", "b.png", "--as", "json-map")
    assert (run.code, [*json.loads(run.out)]) == (0, ["a.png", "b.png"])


def test_json_map_of_a_new_image(nb: Nb) -> None:
    with WireServer(drawn(FOX)) as server:
        run = nb("caption", "a fox", "-o", "fox.png", "--as", "json-map", env=against(server))
    assert (run.code, json.loads(run.out)) == (0, {"fox.png": FOX})
    plan = nb("caption", "a fox", "-o", "f.png", "--as", "json-map", "--dry-run")
    assert "contents" in json.loads(plan.out)["body"]


def test_csv_for_excel_begins_with_a_mark(nb: Nb) -> None:
    save("a.png", "b.png")
    with WireServer(told(FOX)) as server:
        run = nb("caption", "a.png", "b.png", "--as", "csv-bom", env=against(server))
    assert run.raw.startswith(b"\xef\xbb\xbfpath,text,width,height\n")
    assert run.raw.count(b"\xef\xbb\xbf") == 1
    rows = [*csv.DictReader(io.StringIO(run.raw.decode("utf-8-sig")))]
    assert [row["text"] for row in rows] == [FOX, FOX]
    # What a spreadsheet saves is read back.
    Path("texts.csv").write_bytes(run.raw)
    assert nb("caption", "--text-file", "texts.csv", "--write").code == 0
    assert Path("a.alt.txt").read_text() == f"{FOX}\n"


def test_html_says_the_language(nb: Nb) -> None:
    save("a.png")
    with WireServer(told("Ein Fuchs.")) as server:
        run = nb("caption", "a.png", "--as", "html", "--lang", "German", env=against(server))
    assert run.out == '<img src="a.png" alt="Ein Fuchs." width="8" height="8" lang="de" />\n'


@pytest.mark.parametrize("job", ["--write", "--embed"])
def test_a_long_description_is_a_figure_with_the_alt_text(nb: Nb, job: str) -> None:
    save("a.png", "b.png")
    assert nb("caption", "a.png", job, "--text", "A red fox.").code == 0
    long = "A red fox in deep snow. It looks at the camera."
    with WireServer(told(long)) as server:
        run = nb(
            *("caption", "a.png", "b.png", "--style", "long", "--as", "html", "--lang", "en"),
            env=against(server),
        )
    assert run.out.splitlines() == [
        f'<figure lang="en"><img src="{name}" alt="{alt}" width="{width}" height="8" />'
        f"<figcaption>{long}</figcaption></figure>"
        for name, alt, width in (("a.png", "A red fox.", 8), ("b.png", "", 9))
    ]
