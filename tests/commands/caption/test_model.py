"""The model that describes existing images, what it is sent, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import reply
from support.texts import body, save, told
from support.wire_server import Answer, WireServer

LITE = "gemini-3.5-flash-lite"


def google(server: WireServer, **more: str) -> dict[str, str]:
    return {"NB_PROVIDER": "google", "NB_BASE_URL": server.url, "GEMINI_API_KEY": "k" * 39, **more}


@pytest.mark.parametrize(
    ("user", "project", "variable", "options", "model"),
    [
        ("", "", "", (), LITE),
        ("caption-model = 'gemini-9'", "", "", (), "gemini-9"),
        (
            "caption-model = 'gemini-9'",
            "caption-model = 'lite'",
            "",
            (),
            "gemini-3.1-flash-lite-image",
        ),
        # A model that somebody named goes before a default, and a more particular one before it.
        ("model = 'pro'", "", "", (), "gemini-3-pro-image"),
        ("model = 'pro'\ncaption-model = 'gemini-9'", "", "", (), "gemini-9"),
        ("caption-model = 'gemini-9'", "", "nb2.1", (), "gemini-nano-banana-2.1"),
        ("caption-model = 'gemini-9'", "", "nb2.1", ("-m", "pro"), "gemini-3-pro-image"),
    ],
)
def test_the_model_at_google(
    nb: Nb,
    tmp_path: Path,
    user: str,
    project: str,
    variable: str,
    options: tuple[str, ...],
    model: str,
) -> None:
    save("fox.png")
    (tmp_path / "user.toml").write_text(user)
    if project:
        Path("nb.toml").write_text(project)
    with WireServer(told("A fox.")) as server:
        env = google(server, NB_CONFIG=str(tmp_path / "user.toml"), NB_MODEL=variable)
        run = nb("caption", "fox.png", *options, env=env)
    assert (run.code, run.out) == (0, "A fox.\n")
    assert server.requests[0].path == f"/v1beta/models/{model}:generateContent"


def test_the_model_elsewhere_is_the_one_for_images(nb: Nb) -> None:
    save("fox.png")
    for provider in ("wisgate", "sandbox"):
        run = nb("caption", "fox.png", "--dry-run", "--provider", provider)
        assert "/models/gemini-3.1-flash-image-preview:generateContent" in run.out


def test_a_prompt_goes_to_a_model_for_images(nb: Nb) -> None:
    run = nb("caption", "a red fox", "--dry-run", "--provider", "google")
    assert "/models/gemini-nano-banana-2.1:generateContent" in run.out
    run = nb("generate", "a red fox", "-m", LITE, "--provider", "google")
    assert run.code == 2
    assert run.err.startswith(f"nb: {LITE} writes texts and makes no images\nhint: ")


def test_the_setting_is_listed(nb: Nb) -> None:
    assert nb("config", "get", "caption-model").out == "gemini-3.1-flash-image-preview\n"
    assert nb("config", "set", "provider", "google").code == 0
    assert nb("config", "get", "caption-model").out == f"{LITE}\n"
    assert nb("config", "set", "caption-model", "pro").code == 0
    assert nb("config", "get", "caption-model").out == "gemini-3-pro-image\n"


def test_the_sandbox_knows_the_model_of_texts(nb: Nb) -> None:
    save("fox.png")
    run = nb("caption", "fox.png", "--provider", "sandbox", "-m", LITE)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("A mostly ")


def usage(prompt: int, output: int) -> Answer:
    counts = {"promptTokenCount": prompt, "candidatesTokenCount": output, "totalTokenCount": 0}
    return Answer(200, body=reply({"text": "A fox."}, usageMetadata=counts))


def test_texts_have_a_price_before_and_after_the_run(nb: Nb) -> None:
    save("a.png", "b.png", "c.png")
    Path("c.alt.txt").write_text("There already.")
    with WireServer(usage(1400, 40), usage(1500, 60)) as server:
        run = nb("caption", "a.png", "b.png", "c.png", "--write", env=google(server))
        assert run.code == 0
        first, *_, last = run.err.splitlines()
        assert first.startswith("2 texts would cost about $0.00")
        # (2900 × $0.30 + 100 × $2.50) / 1,000,000
        assert last == "2 answers, $0.00112"
        again = nb("caption", "a.png", "b.png", "c.png", "--write", env=google(server))
    assert (again.code, again.err) == (0, "")
    assert len(server.requests) == 2


def test_the_price_of_one_text_is_in_its_json_line(nb: Nb) -> None:
    save("a.png")
    with WireServer(usage(1000, 100)) as server:
        run = nb("caption", "a.png", "--json", env=google(server))
        quiet = nb("caption", "a.png", "-q", env=google(server))
    assert json.loads(run.out)["cost_usd"] == 0.00055
    assert run.err == "1 answer, $0.00055\n"
    assert quiet.err == ""


def test_a_long_page_is_in_the_price(nb: Nb) -> None:
    save("a.png")
    Path("page.md").write_text("Wolves run. " * 40_000)
    run = nb("caption", "a.png", "--dry-run", "--provider", "google", "--context-file", "page.md")
    # 480,000 bytes are about 120,000 tokens.
    assert run.err == "nothing was sent; 1 text would cost about $0.0366\n"
    # Only what is around the image counts.
    page = "Wolves run.\n\n" * 30_000
    Path("page.md").write_text(f"{page}![](a.png)\n\n{page}")
    run = nb("caption", "a.png", "--dry-run", "--provider", "google", "--context-file", "page.md")
    assert run.err == "nothing was sent; 1 text would cost about $0.0008\n"


def test_the_image_goes_before_the_text_and_the_part_of_the_page_around_it(nb: Nb) -> None:
    save("img/a.png", "img/b.png")
    gap = "Between.\n\n" * 800
    Path("page.md").write_text(f"# Page\n\n![](img/a.png) one\n\n{gap}![](img/b.png) two\n")
    with WireServer(told("A fox.")) as server:
        run = nb(
            *("caption", "-r", "img", "--context-file", "page.md", "--concurrency", "1"),
            env=google(server),
        )
        shown = nb("caption", "img/a.png", "--context-file", "page.md", "--dry-run")
    assert run.code == 0
    for number, (there, gone) in enumerate((("one", "two"), ("two", "one"))):
        image, text = body(server, number)["contents"][0]["parts"]
        assert "inlineData" in image
        assert f") {there}" in text["text"]
        assert f") {gone}" not in text["text"]
        assert "<context>\n" in text["text"]
    assert ") two" not in shown.out


def test_references_go_after_the_prompt_of_a_new_image(nb: Nb) -> None:
    save("ref.png")
    run = nb("generate", "a fox", "-i", "ref.png", "--dry-run")
    text, image = json.loads(run.out)["body"]["contents"][0]["parts"]
    assert (list(text), list(image)) == (["text"], ["inlineData"])
