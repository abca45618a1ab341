"""A prompt costs money: what could be a file is never taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.texts import save

from nanobanana_cli.captions.targets import Images, find, is_prompt
from nanobanana_cli.errors import LocalFileError, UsageError


@pytest.mark.parametrize(
    "text",
    [
        "a red fox",
        "Füchse",
        "狐",
        "fox!",
        "a fox, 16:9, v2.5",
        "what is *this*?",
        "The end.",
        "a and/or b",
        "Der Fuchs (rot)",
        "a fox [close-up]",
        "x " * 2500,
        "a\nb",
    ],
)
def test_prompts(text: str) -> None:
    assert is_prompt([text])


@pytest.mark.parametrize(
    "text",
    [
        "fox.png",
        "fox.PNG",
        "my fox.jpg",
        " fox.png ",
        "logo.svg",
        "fox.pgn",
        "img/fox",
        "img/",
        "./fox",
        "C:\\fox",
        "*.png",
        "img/*",
        "~/fox.webp",
        "~/my photos",
        "../my photos",
        "/srv/my photos",
        "fox",
        "Fotos_2024",
        "IMG_1234",
        "red-fox",
        "v2.5",
        "fox*",
        "-",
    ],
)
def test_files(text: str) -> None:
    assert not is_prompt([text])


def test_a_path_below_a_folder_that_exists_is_a_file() -> None:
    assert is_prompt(["photos/my holiday"])
    Path("photos").mkdir()
    assert not is_prompt(["photos/my holiday"])
    assert is_prompt(["a photo/graph of a fox"])


def test_one_argument_to_search_is_a_folder() -> None:
    assert not is_prompt(["my fotos"], recursive=True)


def test_what_exists_is_a_file_whatever_its_name() -> None:
    Path("a red fox").write_text("x")
    Path("dangling").symlink_to("nowhere")
    assert not is_prompt(["a red fox"])
    assert not is_prompt(["dangling"])


def test_several_arguments_are_no_prompt() -> None:
    assert not is_prompt(["a", "red", "fox"])
    with pytest.raises(UsageError, match="a: no such image") as caught:
        find(["a", "red", "fox"], recursive=False)
    assert "quotes" in (caught.value.hint or "")


def test_files_come_in_the_order_of_the_arguments_and_once() -> None:
    save("b.png", "a.png")
    assert find(["b.png", "a.png", "./b.png", "-"], recursive=False) == Images(
        ("b.png", "a.png", "-"), is_single=False
    )


def test_one_named_file_is_single() -> None:
    save("a.png")
    assert find(["a.png"], recursive=False).is_single
    assert find(["-"], recursive=False).is_single
    assert not find(["*.png"], recursive=False).is_single


def test_a_folder_gives_its_images_sorted() -> None:
    save("f/b.png", "f/a.JPG", "f/sub/c.webp", "f/.hidden.png", "f/.git/d.png", "f/e.heic")
    Path("f/notes.txt").write_text("x")
    Path("f/folder.png").mkdir()
    found = find(["f"], recursive=True)
    assert found == Images(("f/a.JPG", "f/b.png", "f/e.heic", "f/sub/c.webp"), is_single=False)


def test_the_current_folder_gives_plain_names() -> None:
    save("a.png")
    assert find(["."], recursive=True).paths == ("a.png",)


def test_a_folder_needs_to_be_asked_for() -> None:
    save("f/a.png")
    with pytest.raises(UsageError, match="f is a folder") as caught:
        find(["f"], recursive=False)
    assert "-r" in (caught.value.hint or "")


def test_patterns_that_the_shell_left_alone_are_expanded() -> None:
    save("f/b.png", "f/a.png", "f/sub/c.png")
    Path("f/x.txt").write_text("x")
    assert find(["f/*"], recursive=False).paths == ("f/a.png", "f/b.png")
    assert find(["f/**/*.png"], recursive=False).paths == ("f/a.png", "f/b.png", "f/sub/c.png")


def test_a_file_with_magic_characters_in_its_name_is_itself() -> None:
    save("a[1].png", "a1.png")
    assert find(["a[1].png"], recursive=False).paths == ("a[1].png",)


@pytest.mark.parametrize("target", ["fox.png", "img/", "*.png", "f"])
def test_what_names_no_image_is_an_error(target: str) -> None:
    Path("f").mkdir()
    with pytest.raises(UsageError):
        find([target], recursive=True)


def test_links_to_folders_are_not_followed() -> None:
    save("f/a.png")
    Path("f/loop").symlink_to(".")
    assert find(["f"], recursive=True).paths == ("f/a.png",)


def test_a_folder_that_cannot_be_searched_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a system call that fails, since root may search every folder."""
    save("f/sub/a.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(LocalFileError, match="cannot search f/sub: permission denied"):
        find(["f"], recursive=True)
