"""`nb caption --pages`: alt text for the images in Markdown and HTML pages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import Nb, NbProcess, Run
from support.replies import failed
from support.texts import against, body, save, told
from support.tools import require
from support.wire_server import Answer, WireServer

SITES = Path(__file__).parent / "sites"
FOX, OWL = 'A fox [in "snow"] & ice', "An owl's face"
ROOTS = {"hugo": "static", "eleventy": "src", "plain": "."}
IMAGES = {
    "hugo": ("content/posts/fox/fox.jpg", "content/posts/fox/den.jpg", "static/img/owl.png"),
    "eleventy": ("src/img/fox.jpg", "src/img/owl.png"),
    "plain": ("img/fox.jpg", "img/owl.png"),
}


@pytest.fixture(params=ROOTS)
def site(request: pytest.FixtureRequest) -> str:
    """The name of a site, which is in the current folder, with images; the owl has a text."""
    name = str(request.param)
    shutil.copytree(SITES / name, ".", dirs_exist_ok=True)
    save(*IMAGES[name])
    Path("logo.svg").write_text("<svg/>")
    owl = next(path for path in IMAGES[name] if path.endswith("owl.png"))
    Path(owl).with_suffix(".alt.txt").write_text(f"{OWL}\n")
    return name


def _pages(nb: Nb, site: str, *options: str, answer: Answer | None = None) -> tuple[Run, int]:
    with WireServer(answer or told(FOX)) as server:
        run = nb("caption", "--pages", ".", "--root", ROOTS[site], *options, env=against(server))
    return run, len(server.requests)


def _files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_the_diff_of_a_site_is_exact(nb: Nb, site: str) -> None:
    before = _files()
    run, _ = _pages(nb, site)
    assert run.code == 0, run.err
    assert run.raw == (SITES / f"{site}.diff").read_bytes()
    after = _files()
    assert {name: after[name] for name in before} == before
    assert all(name.endswith(".alt.txt") for name in after.keys() - before.keys())


def test_apply_writes_what_the_diff_says_and_costs_nothing_more(nb: Nb, site: str) -> None:
    run, calls = _pages(nb, site)
    shutil.copytree(".", "../patched")
    for command in (["git", "apply", "--check"], ["patch", "-p1", "--binary", "-s"]):
        require(command[0])
        subprocess.run(command, input=run.raw, cwd="../patched", check=True)
    applied, more = _pages(nb, site, "--apply", answer=failed(500))
    assert (applied.code, calls > 0, more) == (0, True, 0), applied.err
    names = [name.decode() for name in re.findall(rb"^\+\+\+ b/(.*)$", run.raw, re.MULTILINE)]
    assert applied.out.splitlines() == names
    for name in names:
        assert Path(name).read_bytes() == Path("../patched", name).read_bytes()
    again, _ = _pages(nb, site, "--apply")
    assert (again.code, again.out) == (0, "")


LEFT = {
    "hugo": [
        "content/posts/fox/index.md:15: den.jpg: left as it is: a shortcode makes it",
        "layouts/single.html:3: {{ .Params.cover }}: left as it is: a template sets its attributes",
    ],
    "eleventy": [
        "src/index.mdx:5: ./img/fox.jpg: left as it is: Picture is a component",
        "src/index.mdx:9: {owl}: left as it is: a template sets its attributes",
        "src/_includes/base.njk:3: /img/fox.jpg: left as it is: it is in a template",
        "src/posts/owl.md:13: src/img/fox.jpg: left as it is: a shortcode makes it",
        "src/posts/owl.md:15: {{ cover }}: left as it is: a template sets its address",
    ],
    "plain": [
        "index.html:16: https://example.org/a.png: left as it is: it is not a file here",
        "index.html:17: img/logo.svg: left as it is: there is no such file",
        "index.html:18: img/gone.png: left as it is: there is no such file",
    ],
}


def test_what_is_left_to_a_person_is_listed(nb: Nb, site: str) -> None:
    run, _ = _pages(nb, site)
    notes = [line.removeprefix("note: ") for line in run.err.splitlines() if "left as it" in line]
    assert notes == LEFT[site]
    generated = {"hugo": "public", "eleventy": "_site"}
    for folder in [generated[site]] if site in generated else []:
        assert f"{folder} is left out, as a generator's output; name it if not\n" in run.err


def test_a_call_has_the_page_around_the_image_and_its_language(nb: Nb) -> None:
    save("fox.png")
    far = "far away " * 400
    page = f"---\ntitle: Foxes\n---\n{far}\n\n## Winter\n\n{far}\n\nNear.\n\n![](fox.png)\n\n{far}"
    Path("fox.md").write_text(page)
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "--pages", "fox.md", "--context", "A zoo.", env=against(server))
    assert run.code == 0, run.err
    text = body(server)["contents"][0]["parts"][1]["text"]
    context = text.partition("<context>\n")[2].partition("\n</context>")[0]
    assert context.startswith("A zoo.\n\ntitle: Foxes\n\n## Winter\n\n")
    assert "Near.\n\n![](fox.png)" in context
    assert len(context) < 3100
    assert "Language: that of the context." in text


def test_an_image_on_two_pages_is_one_call(nb: Nb) -> None:
    save("fox.png")
    for name in ("a.md", "b.html"):
        Path(name).write_text("![](fox.png)" if name == "a.md" else "<img src=fox.png>")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "--pages", ".", "--json", "--apply", env=against(server))
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert len(server.requests) == 1
    assert [(line["page"], line["status"], line["cost_usd"]) for line in lines] == [
        ("a.md", "written", 0.058),
        ("b.html", "written", 0),
    ]
    assert Path("a.md").read_text() == "![A fox.](fox.png)"
    assert Path("b.html").read_text() == '<img src=fox.png alt="A fox.">'


def test_a_decorative_image(nb: Nb) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("")
    Path("a.md").write_text("![](fox.png) <img src=fox.png>\n")
    run = nb("caption", "--pages", "a.md", "--apply")
    assert (run.code, Path("a.md").read_text()) == (0, '![](fox.png) <img src=fox.png alt="">\n')
    assert nb("caption", "--pages", "a.md", "--check").code == 0


def test_a_model_that_takes_an_image_for_decorative(nb: Nb) -> None:
    save("fox.png", "owl.png")
    Path("owl.alt.txt").write_text("An owl.")
    Path("a.md").write_text("![](fox.png)\n![](owl.png)\n")
    with WireServer(told("decorative")) as server:
        run = nb("caption", "--pages", "a.md", env=against(server))
    assert run.code == 3
    assert "+![An owl.](owl.png)\n" in run.out
    assert "hint: agree with nb caption fox.png --decorative --write\n" in run.err


def test_a_page_keeps_its_mode_and_its_link(nb: Nb) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("A fox.")
    Path("real.html").write_text("<img src=fox.png>")
    Path("real.html").chmod(0o640)
    Path("a.html").symlink_to("real.html")
    assert nb("caption", "--pages", "a.html", "--apply").code == 0
    assert Path("a.html").is_symlink()
    assert Path("real.html").stat().st_mode & 0o777 == 0o640
    assert Path("real.html").read_text() == '<img src=fox.png alt="A fox.">'


def test_links_are_not_followed_by_a_search(nb: Nb) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("A fox.")
    Path("../outside.md").write_text("![](fox.png)")
    Path("in").mkdir()
    Path("in/a.md").symlink_to("../../outside.md")
    Path("in/b.md").write_text("![](../fox.png)")
    run = nb("caption", "--pages", "in", "--apply")
    assert (run.code, run.out) == (0, "in/b.md\n")
    assert "in/a.md is left out, as a link; name it to include it\n" in run.err


def test_a_page_that_changes_meanwhile_is_left_as_it_is(nb: Nb) -> None:
    save("fox.png")
    Path("a.md").write_text("![](fox.png)\n")

    def edit() -> None:
        while not server.requests:
            time.sleep(0.01)
        Path("a.md").write_text("Another.\n![](fox.png)\n")

    with WireServer(told("A fox.", delay=0.5)) as server:
        editor = threading.Thread(target=edit)
        editor.start()
        run = nb("caption", "--pages", "a.md", "--apply", "--json", env=against(server))
        editor.join()
    assert run.code == 3
    assert Path("a.md").read_text() == "Another.\n![](fox.png)\n"
    assert Path("fox.alt.txt").read_text() == "A fox.\n"
    assert "a.md has changed meanwhile, and is left as it is" in run.err
    line = json.loads(run.out)
    assert (line["status"], line["error"]["kind"], line["alt"]) == ("failed", "file", "A fox.")


def test_images_outside_the_site_are_never_sent(nb: Nb) -> None:
    save("../secret.png", "site/fox.png")
    Path("site/link.png").symlink_to("../../secret.png")
    Path("site/a.md").write_text("![](../../secret.png) ![](link.png) ![](/../../secret.png)\n")
    with WireServer(told("A secret.")) as server:
        run = nb("caption", "--pages", "site", "--root", "site", env=against(server))
    assert (run.code, run.out, len(server.requests)) == (0, "", 0)
    assert run.err.count("it is outside the site, whose folder --root names\n") == 3


def test_pages_that_cannot_be_read_do_not_hinder_others(nb: Nb) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("A fox.")
    Path("a.md").write_bytes(b"\xff\xfe!\0[\0]\0")
    Path("b.md").write_text("![](fox.png)\n")
    run = nb("caption", "--pages", ".", "--apply")
    assert (run.code, run.out) == (3, "b.md\n")
    assert "note: page a.md is not UTF-8 text\n" in run.err
    alone = nb("caption", "--pages", "a.md")
    assert alone.code == 2
    assert alone.err.startswith("nb: page a.md is not UTF-8 text\nhint: save it as UTF-8\n")


def test_no_call_and_no_key_where_all_texts_are_there(nb: Nb) -> None:
    save("fox.png")
    Path("a.md").write_text("![A fox](fox.png) and <img src=fox.png alt>\n")
    run = nb("caption", "--pages", "a.md")
    assert (run.code, run.out) == (0, "")
    assert run.err == "2 images on 1 page, no texts to add\n"


def test_budget_consent_and_dry_run_are_those_of_caption(nb: Nb) -> None:
    save("fox.png", "owl.png")
    Path("a.md").write_text("![](fox.png) ![](owl.png)\n")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "--pages", "a.md", "--max-cost", "0.1", env=against(server))
        assert run.code == 8
        assert "2 texts would cost at most $0.116, and --max-cost is $0.10" in run.err
        run = nb("caption", "--pages", "a.md", "--dry-run", "--json", env=against(server))
        assert (run.code, len(run.out.splitlines())) == (0, 2)
        assert run.err == "nothing was sent; 2 texts would cost at most $0.116\n"
        nb("config", "set", "confirm-above", "0.1")
        assert nb("caption", "--pages", "a.md", env=against(server)).code == 2
        assert server.requests == []
        run = nb("caption", "--pages", "a.md", "--yes", env=against(server))
        assert (run.code, len(server.requests)) == (0, 2)
    run = nb("caption", "--pages", "a.md", "--dry-run")
    assert run.err == "nothing was sent; no text needs a call\n"


def test_a_failure_leaves_the_other_texts(nb: Nb) -> None:
    save("a.png", "b.png")
    Path("a.md").write_text("![](a.png)\n![](b.png)\n")
    with WireServer(told("A fox."), failed(400)) as server:
        run = nb("caption", "--pages", "a.md", "--concurrency", "1", env=against(server))
    assert run.code == 3
    assert "+![A fox.](a.png)\n ![](b.png)\n" in run.out
    assert "hint: the same command makes only what is missing\n" in run.err


def test_again_pays_for_new_texts(nb: Nb) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("Old.")
    Path("a.md").write_text("![](fox.png)\n")
    with WireServer(told("A new fox.")) as server:
        run = nb("caption", "--pages", "a.md", "--again", env=against(server))
    assert "+![A new fox.](fox.png)\n" in run.out
    assert Path("fox.alt.txt").read_text() == "A new fox.\n"


def test_check(nb: Nb) -> None:
    save("fox.png", "owl.png")
    Path("owl.alt.txt").write_text("An owl.")
    source = [
        "# Foxes",
        "![A red fox.](fox.png) ![](fox.png)",
        "![](owl.png)",
        "",
        "![image](fox.png)",
        '{{< figure src="fox.png" >}} ![](https://example.org/a.png)',
    ]
    Path("a.md").write_text("\n".join(source))
    run = nb("caption", "--check", "--pages", ".")
    assert run.code == 3
    assert run.out.splitlines() == [
        "a.md:2: fox.png: it has no alt text",
        "a.md:3: owl.png: it has no alt text; owl.alt.txt has one",
        "a.md:5: fox.png: it is a placeholder",
        "a.md:6: fox.png: not checked: look whether it has alt text: a shortcode makes it",
        "a.md:6: https://example.org/a.png: it has no alt text",
    ]
    assert run.err.splitlines() == [
        "nb: problems found in 4 of 6 images on 1 page, 1 not checked",
        "hint: nb caption . --pages --apply adds missing texts",
    ]
    lines = [
        json.loads(line)
        for line in nb("caption", "--check", "--pages", ".", "--json").out.splitlines()
    ]
    assert [line["status"] for line in lines] == [
        "unchanged", "failed", "failed", "failed", "skipped", "failed",
    ]  # fmt: skip


def test_check_annotates_on_github(nb: Nb) -> None:
    Path("a.md").write_text("\n\n![](fox.png)\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"}
    run = nb("caption", "--check", "--pages", "a.md", env=env)
    assert "::error file=a.md,line=3,title=nb::fox.png: it has no alt text\n" in run.err
    assert "it has no alt text" in Path("summary.md").read_text()


def test_check_is_strict_about_what_nobody_looked_at(nb: Nb) -> None:
    Path("a.md").write_text('{{< figure src="fox.png" >}}\n')
    assert nb("caption", "--check", "--pages", "a.md").code == 0
    assert nb("caption", "--check", "--pages", "a.md", "--strict").code == 3


def test_a_diff_gives_no_orders_to_github(nb_process: NbProcess) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("A fox.")
    Path("a.md").write_text("::stop-commands::x\n![](fox.png)\n")
    run = nb_process("caption", "--pages", "a.md", env={"GITHUB_ACTIONS": "true"})
    assert " \\::stop-commands::x\n" in run.out


def test_a_diff_of_bytes_and_of_odd_names(nb_process: NbProcess) -> None:
    save("fox.png")
    Path("fox.alt.txt").write_text("A fox.")
    for name in ("my page.html", 'a"b.html', "ü.html"):
        Path(name).write_bytes(b"<meta charset=windows-1252>\xfc<img src=fox.png>\r\r\n\x0c\x85")
    run = nb_process("caption", "--pages", ".", env={"LC_ALL": "C"})
    assert run.code == 0, run.err
    require("git")
    subprocess.run(["git", "apply"], input=run.raw, check=True)
    for name in ("my page.html", 'a"b.html', "ü.html"):
        assert Path(name).read_bytes() == (
            b'<meta charset=windows-1252>\xfc<img src=fox.png alt="A fox.">\r\r\n\x0c\x85'
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--apply", "a.md"], "--apply is for --pages"),
        (["--root", ".", "a.md"], "--root is for --pages"),
        (["--pages"], "--pages needs pages or folders"),
        (["--pages", "a.md", "--root", "no"], "--root no: no such folder"),
        (["--pages", "no.md"], "no.md: no such page or folder"),
        (["--pages", "-"], "-: no such page or folder"),
        (["--pages", "empty"], "empty: no pages found"),
        (["--pages", "fox.png"], "fox.png is not a page"),
        (["--pages", "a.md", "--write"], "--pages and --write contradict each other"),
        (["--pages", "a.md", "-o", "x"], "--pages and -o contradict each other"),
        (["--pages", "a.md", "--style", "long"], "--pages and --style long contradict each other"),
        (["--pages", "a.md", "--as", "csv"], "--pages and --as csv contradict each other"),
        (["--pages", "a.md", "--text", "x"], "--pages and --text contradict each other"),
        (["--pages", "a.md", "--decorative"], "--pages and --decorative contradict each other"),
        (["--pages", "a.md", "--lang", "en,de"], "a page is in one language"),
        (["--pages", "a.md", "--check", "--apply"], "--check and --apply contradict each other"),
        (["--pages", "a.md", "--apply", "--curl"], "--apply and --curl contradict each other"),
        (["--pages", "a.md", "--strict"], "--strict is for --check"),
    ],
)  # fmt: skip
def test_usage(nb: Nb, options: list[str], said: str) -> None:
    save("fox.png")
    Path("empty").mkdir()
    Path("a.md").write_text("![](fox.png)\n")
    run = nb("caption", *options)
    assert (run.code, run.err.splitlines()[0]) == (2, f"nb: {said}")
    assert len(run.err.splitlines()) == 2


def test_a_text_beside_an_image_that_cannot_be_sent_is_taken(nb: Nb) -> None:
    for name in ("a.svg", "b.svg"):
        Path(name).write_text("<svg/>")
    Path("a.alt.txt").write_text("A\nlogo\x1b[31m.\n")
    Path("a.md").write_text("![](a.svg)\n![](b.svg)\n")
    run = nb("caption", "--pages", "a.md", "--apply")
    assert (run.code, Path("a.md").read_text()) == (0, "![A logo.](a.svg)\n![](b.svg)\n")
    assert "b.svg: left as it is: nb sends no SVG images; put its text into b.alt.txt" in run.err


@pytest.mark.parametrize("named", ["page.md", "*.md"])
def test_a_pipe_is_not_a_page(nb: Nb, named: str) -> None:
    os.mkfifo("page.md")
    run = nb("caption", "--pages", named)
    assert run.code == 2
    assert "nb: page page.md: it is not a file\nhint: save the page as a file first\n" in run.err
