from __future__ import annotations

import io
import subprocess
import sys
from hashlib import sha256

import pytest
from PIL import Image

from demo.pictures import FIGURES, draw_picture


@pytest.mark.parametrize("figure", FIGURES)
def test_each_figure_is_drawn_into_the_middle_of_its_picture(figure):
    picture = Image.open(io.BytesIO(draw_picture(figure, "a seed", 1, 320)))
    assert (picture.format, picture.size) == ("JPEG", (320, 240))
    # An empty room has a quiet middle; a drawn thing has edges.
    middle = picture.convert("L").crop((80, 40, 240, 180))
    low, high = middle.getextrema()
    assert high - low > 60


def test_seed_view_and_figure_each_change_the_picture():
    pictures = {
        draw_picture(figure, seed, view, 320)
        for figure in ("oillamp", "phone")
        for seed in ("4101-1", "4101-2")
        for view in (1, 2, 3)
    }
    assert len(pictures) == 12


def test_the_bytes_are_the_same_in_another_process():
    code = (
        "import sys, hashlib; from demo.pictures import draw_picture; "
        "sys.stdout.write(hashlib.sha256(draw_picture('mosaic', '700312', 2, 800)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == sha256(draw_picture("mosaic", "700312", 2, 800)).hexdigest()


def test_demo_stands_in_the_lower_right_corner():
    picture = Image.open(io.BytesIO(draw_picture("coin", "x", 1, 800))).convert("RGB")
    corner = picture.crop((680, 560, 800, 600))
    red = sum(1 for r, g, b in corner.get_flattened_data() if r > 130 and g < 80 and b < 80)
    assert red > 800
