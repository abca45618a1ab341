"""What models answer instead of a text: unwrapped, or refused with nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import image_part, picture, reply
from support.texts import against, drawn, exiftool, save, told
from support.wire_server import Answer, WireServer

FOX = "A red fox asleep in snow."


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (f"Sure! {FOX}", FOX),
        (f"Sure, here's the alt text for your image:\n\n{FOX}", FOX),
        (f"Certainly!\n\n**Alt text:** {FOX}", FOX),
        (f"Here is the alt text:\n\n> {FOX}".replace("> ", ""), FOX),
        (f"Here is a concise description of the picture: {FOX}", FOX),
        (f"Alt text (125 characters): {FOX}", FOX),
        (f"{FOX} (25 characters)", FOX),
        (f"{FOX}\n\nLet me know if you'd like a longer version!", FOX),
        (f"{FOX} I hope this helps!", FOX),
        (f"<think>The user wants alt text. A fox.</think>\n{FOX}", FOX),
        (f"A fox, so I write:</think>{FOX}", FOX),
        (f"```\n{FOX}\n```", FOX),
        (f"Sure!\n```text\n{FOX}\n```", FOX),
        (f'```json\n{{"alt": "{FOX}"}}\n```', FOX),
        (f'{{"alt_text": "{FOX}", "language": "en"}}', FOX),
        (f'[{{"description": "{FOX}"}}]', FOX),
        (f'<img src="fox.png" alt="{FOX}">', FOX),
        ('<img alt="Tom &amp; Jerry" src="x.png" />', "Tom & Jerry"),
        (f'alt="{FOX}"', FOX),
        (f"![{FOX}](fox.png)", FOX),
        ("Gerne! Hier ist der Alternativtext: Ein Fuchs.", "Ein Fuchs."),
        ("Hier ist eine Bildbeschreibung: „Ein Fuchs.“", "Ein Fuchs."),
        ("Bien sûr ! Voici le texte alternatif : un renard.", "un renard."),
        ("¡Claro! Aquí tienes el texto alternativo: un zorro.", "un zorro."),
        ("Claro! Aqui está o texto alternativo: uma raposa.", "uma raposa."),
        ("Certo! Ecco il testo alternativo: una volpe.", "una volpe."),
        ("はい、代替テキストは以下の通りです\uff1a雪の中のキツネ", "雪の中のキツネ"),
        ("好的\uff0c以下是替代文本\uff1a雪地里的狐狸", "雪地里的狐狸"),
        (f"Absolutely! Here's a short one:\n\n{FOX}", FOX),
        (f"Here is an accessible text under 125 characters:\n\n> {FOX}", FOX),
        (f"### Alt text\n\n{FOX}", FOX),
        (f"<alt_text>{FOX}</alt_text>", FOX),
        (f'<figure><img src="fox.png" alt="{FOX}"><figcaption>1</figcaption></figure>', FOX),
        (f'{{"image": {{"alt": "{FOX}"}}}}', FOX),
        (f'json\n{{"alt": "{FOX}"}}', FOX),
        (f"**{FOX}**", FOX),
        (f"{FOX}\n\n*Character count: 25*", FOX),
        (f"{FOX}\n\n---\nThis alt text is 25 characters long.", FOX),
        (f"{FOX}\n\nNote: I could not verify the species.", FOX),
        (f"Final answer: {FOX}", FOX),
        ("Natürlich, hier der Alt-Text:\n\nEin Fuchs.", "Ein Fuchs."),
        ("Aquí está: Un zorro.", "Un zorro."),
        ("Oczywiście! Oto tekst alternatywny: Lis.", "Lis."),
        # What only looks like it.
        ("A sign says:\nSTOP", "A sign says: STOP"),
        ("> 5 km to go", "> 5 km to go"),
        ("*Homo sapiens* skull and *Pan* skull", "*Homo sapiens* skull and *Pan* skull"),
        ("Or else!", "Or else!"),
        ("None of us", "None of us"),
        ("Error 404", "Error 404"),
        ("Sorry, we're closed", "Sorry, we're closed"),
        ("I can't believe it's not butter", "I can't believe it's not butter"),
        ('Sign reading "Here is the text: stop"', 'Sign reading "Here is the text: stop"'),
        ("Option key on a Mac keyboard", "Option key on a Mac keyboard"),
        ("Leider geschlossen", "Leider geschlossen"),
    ],
)
def test_what_is_around_a_text_is_taken_off(nb: Nb, answer: str, text: str) -> None:
    save("fox.png")
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--write", env=against(server))
    assert (run.code, run.out) == (0, f"{text}\n")
    assert Path("fox.alt.txt").read_text() == f"{text}\n"
    assert "model" not in run.err


REFUSALS = [
    "I'm sorry, but I can't help with identifying people.",
    "I\u2019m unable to view images.",
    "Sorry, I can't assist with that request.",
    "I cannot describe this image.",
    "As an AI language model, I can't see pictures.",
    "Unfortunately, I am not able to describe this.",
    "Es tut mir leid, aber ich kann dieses Bild nicht beschreiben.",
    "Leider kann ich keine Personen identifizieren.",
    "Je suis désolé, mais je ne peux pas décrire cette image.",
    "Je ne suis pas en mesure de vous aider.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Desculpe, mas não posso descrever esta imagem.",
    "Mi dispiace, ma non posso identificare le persone.",
    "申し訳ありませんが、この画像の説明はできません。",
    "抱歉\uff0c我无法描述这张图片。",
    "죄송하지만 이 이미지를 설명할 수 없습니다.",
    "Sure! I'm sorry, but I can't help with that.",
    "Sorry! I can't do that.",
    "I must respectfully decline.",
    "I'm just a language model and can't help with that.",
    "It looks like no image was provided.",
    "Could you please upload the image?",
    "Your request was blocked by our safety filters.",
    "Dabei kann ich nicht helfen.",
    "Il m'est impossible de décrire cette image.",
    "Lo siento, pero no tengo la capacidad de ver imágenes.",
    "Przepraszam, nie mogę opisać tego obrazu.",
    "Tyvärr kan jag inte beskriva den här bilden.",
    "<think>Is that a person?</think>I'm sorry, I can't identify people.",
    '{"alt": "I cannot identify people in images."}',
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_is_no_text(nb: Nb, answer: str) -> None:
    save("fox.png")
    before = Path("fox.png").read_bytes()
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--write", "--embed", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert run.err.startswith("nb: the model refused: ")
    assert run.err.endswith("Charged.\n")
    assert not Path("fox.alt.txt").exists()
    assert Path("fox.png").read_bytes() == before


@pytest.mark.parametrize(
    "answer",
    [
        "Option 1: A fox.\nOption 2: A red fox in snow.",
        "**Option 1 (short):** A fox.\n**Option 2:** A red fox.",
        "Here are three options:\n\n1. A fox\n2. A red fox\n3. A fox in snow",
        "1. A fox\n2. A red fox",
        '["A red fox asleep in the snow beneath tall pines.", "A fox in a wintry forest at dusk."]',
        "Hier sind drei Vorschläge: A, B, C",
        "Voici trois propositions : un renard, un renard roux",
        "Voici trois propositions :\n\n1. Un renard",
        "- A red fox.\n- A fox in snow.",
        "A) A red fox\nB) A fox in snow",
        "**Short:** A fox.\n\n**Long:** A red fox asleep in snow.",
        "A fox.\n\nAlternatively: A red fox.",
    ],
)
def test_several_texts_to_choose_from_are_noted_and_not_embedded(nb: Nb, answer: str) -> None:
    save("fox.png")
    before = Path("fox.png").read_bytes()
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--write", "--embed", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert "the model offers several texts instead of one: " in run.err
    assert not Path("fox.alt.txt").exists()
    assert Path("fox.png").read_bytes() == before


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", 2, "NEW_ONE"])
def test_a_text_that_was_cut_is_no_text(nb: Nb, reason: str | int) -> None:
    save("fox.png")
    candidate = {"content": {"parts": [{"text": "A red fox asl"}]}, "finishReason": reason}
    with WireServer(Answer(200, body=reply(candidates=[candidate]))) as server:
        run = nb("caption", "fox.png", "--write", "--embed", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert f"nb: the text was cut ({reason}): A red fox asl" in run.err
    assert not Path("fox.alt.txt").exists()


@pytest.mark.parametrize("answer", ["", " ", "<think>A fox.</think>", "```\n```", '<img alt="">'])
def test_an_empty_answer_is_no_text(nb: Nb, answer: str) -> None:
    save("fox.png")
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--write", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert not Path("fox.alt.txt").exists()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("null", "sent no text"),
        ("N/A", "sent no text"),
        (".", "sent no text"),
        ("{}", "sent no text"),
        ('{"alt": null}', "sent data without a text"),
        ('{"error": {"message": "blocked"}}', "sent data without a text"),
        ('{"short": "A fox.", "long": "A red fox in snow."}', "sent data without a text"),
        ("{'alt': 'A fox.'}", "sent data without a text"),
    ],
)
def test_data_are_no_text(nb: Nb, answer: str, why: str) -> None:
    save("fox.png")
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--write", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert run.err.startswith(f"nb: the model {why}: {answer}")
    assert not Path("fox.alt.txt").exists()


@pytest.mark.parametrize(
    ("style", "answer", "text"),
    [
        ("tags", "Here are the tags:\n\n* fox\n* snow", "fox, snow"),
        ("tags", "1. fox\n2. snow", "fox, snow"),
        (
            "long",
            "A chart of foxes.\n\n- 2023: 5\n- 2024: 6",
            "A chart of foxes. - 2023: 5 - 2024: 6",
        ),
    ],
)
def test_a_list_may_be_what_is_asked_for(nb: Nb, style: str, answer: str, text: str) -> None:
    save("fox.png")
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--style", style, env=against(server))
    assert (run.code, run.out) == (0, f"{text}\n")


def two_candidates(*others: dict[str, object]) -> list[dict[str, object]]:
    first = {"content": {"parts": [{"text": FOX}]}, "finishReason": "STOP", "index": 0}
    second = {"content": {"parts": [{"text": "Or a wolf."}]}, "finishReason": "STOP", "index": 1}
    return [first, second, *others]


def test_only_the_first_candidate_counts(nb: Nb) -> None:
    save("fox.png")
    with WireServer(Answer(200, body=reply(candidates=two_candidates()))) as server:
        run = nb("caption", "fox.png", env=against(server))
    assert (run.code, run.out) == (0, f"{FOX}\n")


def test_only_the_first_candidate_of_a_stream_counts(nb: Nb) -> None:
    save("fox.png")
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": text}]}, "index": index}]}
        for text, index in (("A red ", 0), ("Or a ", 1), ("fox.", 0), ("wolf.", 1))
    ]
    with WireServer(Answer(200, body=json.dumps(chunks).encode())) as server:
        run = nb("caption", "fox.png", env=against(server))
    assert (run.code, run.out) == (0, "A red fox.\n")


@pytest.mark.parametrize("answer", [*REFUSALS[:2], "Option 1: A fox. Option 2: A wolf."])
def test_the_image_of_a_refused_text_stays(nb: Nb, answer: str) -> None:
    with WireServer(drawn(answer)) as server:
        run = nb("generate", "a fox", "-o", "fox.png", "--alt", env=against(server))
    assert run.code == 9
    assert Path("fox.png").exists()
    assert not Path("fox.alt.txt").exists()
    assert "hint: request the text alone, in another call: nb caption fox.png --write" in run.err


def test_the_image_of_a_text_that_was_cut_stays(nb: Nb) -> None:
    parts = [{"text": "A red fox asl"}, image_part(picture(1024, 1024))]
    candidate = {"content": {"parts": parts}, "finishReason": "MAX_TOKENS"}
    with WireServer(Answer(200, body=reply(candidates=[candidate]))) as server:
        run = nb("caption", "a fox", "-o", "fox.png", "--embed", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert "AltTextAccessibility" not in exiftool("fox.png")


@pytest.mark.parametrize(
    "answer",
    ["decorative", "Decorative.", '"Decorative"', "This image is decorative.", "Dekorativ"],
)
def test_that_an_image_is_decorative_is_proposed_not_written(nb: Nb, answer: str) -> None:
    save("line.png")
    with WireServer(told(answer)) as server:
        run = nb("caption", "line.png", "--write", "--json", env=against(server))
    assert run.code == 9
    assert json.loads(run.out)["error"]["kind"] == "decorative"
    assert "hint: agree with nb caption line.png --decorative --write" in run.err
    assert not Path("line.alt.txt").exists()


@pytest.mark.parametrize("answer", ["", "I cannot describe this image.", "decorative", "null"])
def test_an_answer_without_a_text_is_a_failed_json_line(nb: Nb, answer: str) -> None:
    save("fox.png")
    with WireServer(told(answer)) as server:
        run = nb("caption", "fox.png", "--json", env=against(server))
    line = json.loads(run.out)
    assert (run.code, line["status"], line["path"], line["source"]) == (
        9,
        "failed",
        None,
        "fox.png",
    )
    assert (line["alt"], line["error"]["code"]) == (None, 9)
