"""Draws the picture of a listing from its kind of object, the same bytes each time."""

from __future__ import annotations

import io
import random
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from demo.drawings.ancient import ANCIENT
from demo.drawings.brush import SHEET, UNIT, Brush, Colour, Figure, shade
from demo.drawings.household import HOUSEHOLD
from demo.drawings.machines import MACHINES

FIGURES: dict[str, Figure] = {**ANCIENT, **HOUSEHOLD, **MACHINES}
WIDTHS = (320, 800)

_WALLS: tuple[Colour, ...] = ((206, 210, 208), (222, 212, 196), (190, 200, 210), (226, 222, 214), (188, 184, 176))
_BOARDS: tuple[Colour, ...] = ((168, 140, 108), (120, 104, 92), (202, 196, 186), (96, 100, 106), (180, 160, 130))


@lru_cache(maxsize=600)
def draw_picture(figure: str, seed: str, view: int, width: int) -> bytes:
    """A JPEG of `figure` (a name in FIGURES), 4:3, `width` pixels wide.

    `view` counts from 1: the front, then a turned and mirrored look, then a close one.
    """
    picture = _compose(figure, seed, view)
    if width != picture.width:
        picture = picture.resize((width, width * 3 // 4), Image.Resampling.LANCZOS)
    _mark(picture)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=82)
    return stream.getvalue()


@lru_cache(maxsize=8)
def _compose(figure: str, seed: str, view: int) -> Image.Image:
    brush = Brush(seed)
    FIGURES[figure](brush)
    placed = _place(_model(brush.sheet, seed), seed, view)
    scene = _room(f"{seed}/{view}")
    shadow = placed.getchannel("A").filter(ImageFilter.GaussianBlur(UNIT * 1.5))
    shadow = shadow.point(lambda value: round(value * 0.45)).crop((0, 0, SHEET[0] - UNIT * 2, SHEET[1] - UNIT))
    scene.paste((30, 26, 24), (UNIT * 2, UNIT, *SHEET), mask=shadow)
    scene.paste(placed, mask=placed.getchannel("A"))
    return scene.resize((800, 600), Image.Resampling.LANCZOS)


def _model(sheet: Image.Image, seed: str) -> Image.Image:
    """Gives a flat figure volume: light from the upper left, a darker far edge, a little grain."""
    alpha = sheet.getchannel("A")
    hill = alpha.filter(ImageFilter.GaussianBlur(UNIT * 3))
    slope = ImageChops.subtract(
        ImageChops.offset(hill, -UNIT, -UNIT), ImageChops.offset(hill, UNIT, UNIT), scale=1.4, offset=128
    )
    grain = random.Random(f"grain {seed}").randbytes(SHEET[0] * SHEET[1] // 16)
    noise = (
        Image.frombytes("L", (SHEET[0] // 4, SHEET[1] // 4), grain).resize(SHEET).point(lambda value: 116 + value // 11)
    )
    light = ImageChops.overlay(slope, noise)
    lit = ImageChops.overlay(sheet.convert("RGB"), Image.merge("RGB", (light, light, light)))
    lit.putalpha(alpha)
    return lit


def _place(sheet: Image.Image, seed: str, view: int) -> Image.Image:
    """The figure on its sheet as this view sees it, in proportions of the listing's own."""
    chance = random.Random(f"place {seed}")
    stretch = chance.uniform(0.9, 1.08), chance.uniform(0.92, 1.04)
    zoom = (0.94, 0.84, 1.45)[(view - 1) % 3]
    if view == 2:
        sheet = ImageOps.mirror(sheet).rotate(chance.uniform(-7, 7), Image.Resampling.BICUBIC)
    size = round(SHEET[0] * stretch[0] * zoom), round(SHEET[1] * stretch[1] * zoom)
    scaled = sheet.resize(size, Image.Resampling.LANCZOS)
    placed = Image.new("RGBA", SHEET, (0, 0, 0, 0))
    below = 0 if view == 3 else round((SHEET[1] - size[1]) * 0.3)
    placed.paste(scaled, ((SHEET[0] - size[0]) // 2, (SHEET[1] - size[1]) // 2 + below))
    return placed


def _room(seed: str) -> Image.Image:
    chance = random.Random(f"room {seed}")
    wall, board = chance.choice(_WALLS), chance.choice(_BOARDS)
    falloff = Image.linear_gradient("L").resize(SHEET)
    scene = Image.composite(
        Image.new("RGB", SHEET, shade(wall, 0.86)), Image.new("RGB", SHEET, shade(wall, 1.06)), falloff
    )
    edge = round(SHEET[1] * chance.uniform(0.66, 0.76))
    front = Image.composite(
        Image.new("RGB", SHEET, shade(board, 1.1)), Image.new("RGB", SHEET, shade(board, 0.8)), falloff
    )
    scene.paste(front.crop((0, edge, *SHEET)), (0, edge))
    ImageDraw.Draw(scene).line([(0, edge), (SHEET[0], edge)], fill=shade(board, 0.7), width=3)
    return scene.filter(ImageFilter.GaussianBlur(2))


def _mark(picture: Image.Image) -> None:
    """Writes DEMO into the lower right corner, so that a picture taken out of its page still says what it is."""
    size = max(12, picture.width // 26)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), "DEMO", font=font)
    x, y = picture.width - (right - left) - size * 0.8, picture.height - (bottom - top) - size * 0.8
    pad = size * 0.3
    draw.rectangle((x - pad, y - pad, x + right - left + pad, y + bottom - top + pad), fill=(160, 34, 34))
    draw.text((x - left, y - top), "DEMO", font=font, fill=(255, 255, 255))
