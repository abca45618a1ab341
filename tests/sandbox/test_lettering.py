from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from nanobanana_cli.sandbox import lettering

_PROMPTS = (
    "a red fox jumping",
    "Ẫgjpqy ẪẪẪ",
    "красная лиса в снегу",
    "ثعلب أحمر في الثلج",
    "שועל אדום קל",
    "बर्फ में लाल लोमड़ी",
    "สุนัขจิ้งจอกสีแดง",
    "一只红色的狐狸",
)


@pytest.mark.parametrize("size", [(1024, 1024), (3168, 1344), (128, 96), (400, 3200)])
@pytest.mark.parametrize("prompt", _PROMPTS)
def test_no_letter_and_no_shadow_is_cut_off(prompt: str, size: tuple[int, int]) -> None:
    grey = Image.new("RGB", size, (128, 128, 128))
    image = grey.copy()
    lettering.write(image, prompt)
    # The mark is in the lower right corner.
    sky = (0, 0, size[0], size[1] * 3 // 5)
    change = ImageChops.difference(image, grey).convert("L").crop(sky)
    box = change.getbbox()
    assert box is not None
    left, top, right, bottom = box
    edges = (
        (left, top, right, top + 1),
        (left, bottom - 1, right, bottom),
        (left, top, left + 1, bottom),
        (right - 1, top, right, bottom),
    )
    # What fades out ends in steps of a few levels; what is cut ends in a large one.
    for edge in edges:
        assert max(change.crop(edge).histogram()[12:], default=0) == 0
