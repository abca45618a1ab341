"""The schema of manifests says the same as `nb batch`. (`conftest.Nb` tries those of the suite.)"""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Nb
from support import docs, schemas

_ROWS = {
    "aspect": ['"16:9"', '"16x9"', '"Landscape"', '"AUTO"', '"16:10"', '"wide"', "16", '""'],
    "size": ['""', '"2K"', '"2k"', '"512"', '"2048px"', '"3K"', "2048"],
    "fit": ['""', '"1200x630"', '"1200 × 630"', '"0x630"', '"wide"', "1200", '["1200x630"]'],
    "transparent": ["true", "false", "1", '"yes"'],
    "format": ['""', '"png"', '"JPG"', '"jpeg"', '"gif"', "true"],
    "thinking": ['""', '"high"', '"Minimal"', '"deep"'],
    "temperature": ["0", "1.5", "2", "2.1", "-1", '"1"'],
    "seed": ["7", "2147483647", "2147483648", "1.5", '"7"'],
    "count": ["1", "1000", "0", "1001", '"2"'],
    "search": ["true", '"yes"'],
    "alt": ["true", "1"],
    "chat": ["true", "1"],
    # Else it depends on files.
    "continue": ["1", "[]"],
    "images": ["[]", '"fox.png"', '["fox.png"]', "[1]", "1"],
    "model": ['"pro"', '"models/gemini-3-pro-image"', '"new-model"', "3"],
    "vars": ['{animal = "fox", n = 1}', "{animal = [1]}", '"animal"'],
    "matrix": ['{animal = ["fox"]}', "{seed = [1, 2]}", '{seed = ["1"]}', '{animal = "fox"}'],
    "id": ['"a"', "1", "1.5", "[]"],
    "note": ['"for the front page"', "1"],
    "output": ['"a/fox.png"', "1"],
    "_own": ["{any = [1]}"],
    "promt": ['"a red fox"'],
    "Aspect": ['"1:1"'],
    "prompt_file": ['"prompt.txt"'],
}
_WHOLE = [
    '[[image]]\nprompt = "a fox"\n',
    '[[image]]\nprompt = " "\n',
    "[[image]]\nprompt = 1\n",
    '[image]\nprompt = "a fox"\n',
    '[[images]]\nprompt = "a fox"\n',
    '_note = 1\n[[image]]\nprompt = "a fox"\n',
    '[defaults]\nprompt = "a fox"\naspect = "1:1"\n[[image]]\n',
    '[defaults]\naspct = "1:1"\n[[image]]\nprompt = "a fox"\n',
    'defaults = 1\n[[image]]\nprompt = "a fox"\n',
    '[vars]\nanimal = "fox"\n[[image]]\nprompt = "a {animal}"\n',
    '[vars]\nanimal = ["fox"]\n[[image]]\nprompt = "a {animal}"\n',
    '[matrix]\naspect = ["1:1", "16:9"]\n[[image]]\nprompt = "a fox"\n',
    '[matrix]\nanimal = "fox"\n[[image]]\nprompt = "a {animal}"\n',
    '[[image]]\nprompt = "a fox"\nfit = "1200x630"\naspect = "16:9"\n',
    '[[image]]\nprompt = "a fox"\nfit = "1200x630"\nsize = "2K"\n',
    '[[image]]\nprompt = "a fox"\nfit = "1200x630"\naspect = ""\n',
    '[defaults]\nfit = "1200x630"\naspect = "16:9"\n[[image]]\nprompt = "a fox"\n',
    '[defaults]\naspect = "16:9"\n[[image]]\nprompt = "a fox"\nfit = "1200x630"\n',
    '[defaults]\nfit = "1200x630"\n[[image]]\nprompt = "a fox"\nsize = "2K"\n',
    # nb does not know what other models accept, and neither does the schema.
    '[[image]]\nprompt = "a fox"\nmodel = "new-model"\naspect = "7:5"\nsize = "8K"\n',
    '[defaults]\nmodel = "new-model"\n[[image]]\nprompt = "a fox"\naspect = "7:5"\n',
    '[defaults]\nmodel = "pro"\n[[image]]\nprompt = "a fox"\naspect = "7:5"\n',
]
_JSON = [
    '[{"prompt": "a fox"}]',
    '[{"prompt": "a fox", "aspect": null, "id": null}]',
    '[{"prompt": "a fox", "prompt_file": null}, {"prompt_file": "prompt.txt", "prompt": null}]',
    '[{"prompt": null}]',
    '[{"aspect": "1:1"}]',
    '[{"prompt": "a fox", "sise": "2K"}]',
    '["a fox"]',
]


def _agree(nb: Nb, name: str, text: str) -> None:
    Path("prompt.txt").write_text("a red fox")
    docs_fox = docs.ROOT / "docs" / "fox.png"
    Path("fox.png").write_bytes(docs_fox.read_bytes())
    Path(name).write_text(text)
    run = nb("batch", name, "--dry-run")
    assert run.code in (0, 2), run.err
    error = schemas.manifest_error(name, text)
    assert (error is None) == (run.code == 0), f"{text}\nnb: {run.err}\nschema: {error}"


@pytest.mark.parametrize(("key", "value"), [(k, v) for k in _ROWS for v in _ROWS[k]])
def test_a_value_is_accepted_as_a_run_accepts_it(nb: Nb, key: str, value: str) -> None:
    prompt = "" if key == "prompt_file" else 'prompt = "a red fox"\n'
    _agree(nb, "images.toml", f"[[image]]\n{prompt}{key} = {value}\n")


@pytest.mark.parametrize("text", _WHOLE)
def test_a_manifest_is_accepted_as_a_run_accepts_it(nb: Nb, text: str) -> None:
    _agree(nb, "images.toml", text)


@pytest.mark.parametrize("text", _JSON)
def test_an_array_is_accepted_as_a_run_accepts_it(nb: Nb, text: str) -> None:
    _agree(nb, "images.json", text)


def test_two_ways_to_give_the_prompt_contradict_each_other(nb: Nb) -> None:
    _agree(nb, "images.toml", '[[image]]\nprompt = "a fox"\nprompt_file = "prompt.txt"\n')


def test_each_key_is_tried_and_described() -> None:
    row = schemas.published()["schemas"]["manifest"]["$defs"]["Row"]
    untried = set(row["properties"]) - {*_ROWS, "prompt", "alt_file", "system"}
    assert not untried
    assert all(field["description"] for field in row["properties"].values())


def test_manifests_of_the_pages_and_the_example_are_accepted(nb: Nb) -> None:
    nb("batch", "--init")
    texts = [
        block.text for page in docs.PAGES for block in docs.blocks(page) if block.language == "toml"
    ]
    manifests = [text for text in texts if "[[image]]" in text]
    assert len(manifests) >= 3
    for text in (*manifests, Path("images.toml").read_text()):
        assert schemas.manifest_error("images.toml", text) is None, text
