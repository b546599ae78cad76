"""Drawn photographs of objects that look alike: coins of one type from one or several dies, lamps from one mould, pots.

An object is a relief and a surface of its own; a photograph of it is that relief under some light, on some ground, with
or without a scale bar. So the same object can be photographed anew, and another specimen of its type beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]
Heights = npt.NDArray[np.float32]

SIDE = 420
KINDS = ("coin", "lamp", "pot")
GROUNDS = ("white", "grey", "black", "cloth", "tray", "wood")


@dataclass(frozen=True, eq=False)
class DrawnObject:
    """`relief`: heights, SIDE x SIDE; `surface`: reflectance (RGB, 0 to 1); `outline`: where the object is, 0 to 1."""

    relief: Heights
    surface: Heights
    outline: Heights


def draw_object(kind: str, type_seed: int, die: int, specimen: int) -> DrawnObject:
    """One specimen. `type_seed` gives the design, `die` how this die or mould cut it, `specimen` flan, wear, patina."""
    of_type = np.random.default_rng([11, KINDS.index(kind), type_seed])
    of_die = np.random.default_rng([12, KINDS.index(kind), type_seed, die])
    own = np.random.default_rng([13, KINDS.index(kind), type_seed, die, specimen])
    design = _design(kind, of_type, of_die)
    outline = _outline(kind, of_type, own)
    shift = own.uniform(-0.04, 0.04, 2) * SIDE
    turn = own.uniform(-4, 4) if kind == "coin" else 0.0
    chart = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), turn, 1.0)
    chart[:, 2] += shift
    struck = cv2.warpAffine(design, chart, (SIDE, SIDE))
    worn = cv2.GaussianBlur(struck, (0, 0), float(own.uniform(0.8, 2.6)))
    weak = _clouds(own, 5)
    worn = worn * (0.55 + 0.45 * np.clip(weak + 0.6, 0, 1))
    hill = cv2.GaussianBlur(outline, (0, 0), 9.0)
    pits = _pits(own)
    relief = (worn * 5.0 + hill * 14.0 + pits * 1.6 + _clouds(own, 40) * 0.5).astype(np.float32)
    metal = np.array([[0.72, 0.7, 0.66], [0.62, 0.42, 0.26], [0.8, 0.64, 0.3], [0.35, 0.42, 0.34]])
    clay = np.array([[0.72, 0.45, 0.3], [0.8, 0.66, 0.5], [0.35, 0.3, 0.28]])
    colours = metal if kind == "coin" else clay
    base = colours[int(of_type.integers(len(colours)))] * own.uniform(0.9, 1.1)
    patina = 1.0 + 0.22 * _clouds(own, 9) + 0.14 * _clouds(own, 34) - 0.25 * np.clip(pits * -1, 0, 1)
    stain = np.clip(_clouds(own, 6) - 0.5, 0, 1)[..., None] * np.array([-0.2, 0.02, -0.05])
    surface = np.clip(base[None, None] * patina[..., None] + stain, 0.03, 1.0).astype(np.float32)
    if kind == "pot":
        surface = (surface * (1.0 - 0.75 * cv2.warpAffine(design, chart, (SIDE, SIDE))[..., None])).astype(np.float32)
        relief = (hill * 60.0 + pits * 1.2).astype(np.float32)
    return DrawnObject(relief, surface, outline)


def photograph(
    thing: DrawnObject, shot: int, ground: str, *, bar: bool = False, light: float | None = None, tilt: bool = True
) -> Pixels:
    """A photo (RGB). `shot` seeds light, place, size, angle and noise; `light`: degrees, where it shall come from."""
    rng = np.random.default_rng([17, shot])
    angle = np.radians(float(rng.uniform(100, 170)) if light is None else light)
    low = float(rng.uniform(0.5, 0.75))
    sun = np.array([np.cos(angle) * low, -np.sin(angle) * low, np.sqrt(1 - low**2)])
    slope_x, slope_y = cv2.Sobel(thing.relief, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(thing.relief, cv2.CV_32F, 0, 1) / 8
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    lit = np.clip((-slope_x * sun[0] - slope_y * sun[1] + sun[2]) / length, 0, None)
    gloss = np.clip(lit, 0, 1) ** 18 * float(rng.uniform(0.05, 0.3))
    seen = np.clip(thing.surface * (0.25 + 0.85 * lit[..., None]) + gloss[..., None], 0, 1)
    width, height = 640, int(rng.choice([480, 560, 640]))
    scale = float(rng.uniform(0.85, 1.05)) * min(width, height) / SIDE * 0.86
    turn = float(rng.uniform(-9, 9)) if tilt else 0.0
    chart = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), turn, scale)
    chart[:, 2] += np.array([width / 2 - SIDE / 2, height / 2 - SIDE / 2]) + rng.uniform(-12, 12, 2)
    lens = np.concatenate([chart, [[0.0, 0.0, 1.0]]])
    lens[2, :2] = rng.uniform(-7e-5, 7e-5, 2) if tilt else 0.0
    mask = cv2.warpPerspective(thing.outline, lens, (width, height))[..., None]
    scene = _ground(ground, width, height)
    shadow = cv2.GaussianBlur(cv2.warpPerspective(thing.outline, lens, (width, height)), (0, 0), 7)
    scene = scene * (1 - 0.45 * np.roll(shadow, (6, 6), (0, 1)))[..., None]
    scene = scene * (1 - mask) + cv2.warpPerspective(seen.astype(np.float32), lens, (width, height)) * mask
    scene = scene * float(rng.uniform(0.85, 1.12)) + rng.normal(0, 0.008, scene.shape)
    out = np.clip(scene * 255, 0, 255).astype(np.uint8)
    return _with_bar(out) if bar else out


def draw_placeholder(seed: int) -> Pixels:
    """What a shop shows where it has no photo, or its logo."""
    rng = np.random.default_rng([19, seed])
    picture = Image.new("RGB", (500, 500), (235, 235, 235))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((150, 140, 350, 300), outline=(150, 150, 150), width=8)
    pen.ellipse((210, 180, 290, 260), outline=(150, 150, 150), width=8)
    pen.text(
        (120, 340), ["No photo", "Photo soon", "Numis & Co"][int(rng.integers(3))], fill=(120, 120, 120), font=_font(44)
    )
    return np.asarray(picture)


def _design(kind: str, of_type: np.random.Generator, of_die: np.random.Generator) -> Heights:
    """The picture of a type as heights from 0 to 1; each die draws it by hand again, a little otherwise."""
    sheet = Image.new("L", (SIDE * 2, SIDE * 2), 0)
    pen = ImageDraw.Draw(sheet)
    middle = SIDE

    def near(amount: float) -> float:
        return float(of_die.normal(0, amount * 2))

    if kind == "pot":
        for band in range(int(of_type.integers(2, 5))):
            top = 2 * (90 + band * 70 + of_type.uniform(-10, 10)) + near(2)
            motif = int(of_type.integers(3))
            for step in range(14):
                left = 60 + step * 54 + near(2)
                if motif == 0:
                    pen.line((left, top, left + 27, top + 46, left + 54, top), fill=255, width=12)
                elif motif == 1:
                    pen.ellipse((left, top, left + 40 + near(1), top + 40), outline=255, width=9)
                else:
                    pen.rectangle((left, top, left + 26, top + 36), fill=255)
        return np.asarray(sheet.resize((SIDE, SIDE)), dtype=np.float32) / 255
    radius = 270 if kind == "coin" else 170
    head = [(middle + of_type.uniform(-40, 40), middle + of_type.uniform(-40, 40)) for _ in range(3)]
    for x, y in head:
        wide, tall = of_type.uniform(70, 130), of_type.uniform(90, 150)
        pen.ellipse((x - wide + near(3), y - tall + near(3), x + wide + near(3), y + tall + near(3)), fill=110)
    for _ in range(26):
        angle, away = of_type.uniform(0, 2 * np.pi), of_type.uniform(20, radius * 0.62)
        x, y = middle + away * np.cos(angle) + near(3), middle + away * np.sin(angle) + near(3)
        bend, size = of_type.uniform(0, 360) + near(3), of_type.uniform(20, 60)
        pen.arc((x - size, y - size, x + size, y + size), bend, bend + of_type.uniform(60, 200), fill=230, width=10)
    letters = "".join(of_type.choice(list("ABCDEFGILMNOPRSTVX"), 22))
    for place, letter in enumerate(letters):
        angle = 2 * np.pi * place / len(letters) + near(0.008)
        sign = Image.new("L", (70, 70), 0)
        ImageDraw.Draw(sign).text((14, 6), letter, fill=255, font=_font(46))
        sign = sign.rotate(-float(np.degrees(angle)) - 90 + near(1.5), Image.Resampling.BICUBIC)
        at = (int(middle + radius * np.cos(angle) - 35 + near(2)), int(middle + radius * np.sin(angle) - 35 + near(2)))
        sheet.paste(255, at, sign)
    for place in range(60):
        angle = 2 * np.pi * place / 60
        x, y = middle + (radius + 55) * np.cos(angle) + near(0.7), middle + (radius + 55) * np.sin(angle) + near(0.7)
        pen.ellipse((x - 7, y - 7, x + 7, y + 7), fill=220)
    return np.asarray(sheet.resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float32) / 255


def _outline(kind: str, of_type: np.random.Generator, own: np.random.Generator) -> Heights:
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    rough = sum(own.normal(0, 0.012 / k) * np.cos(k * angle + own.uniform(0, 6.3)) for k in range(2, 14))
    radius = SIDE * 0.44 * (1 + rough)
    if kind == "lamp":
        radius = SIDE * 0.34 * (1 + rough) * (1 + 0.42 * np.exp(-(((angle - np.pi / 2) / 0.28) ** 2)))
    if kind == "pot":
        radius = SIDE * 0.4 * (1 + rough) * (1 - 0.25 * np.exp(-(((angle - 3 * np.pi / 2) / 0.5) ** 2)))
    points = np.stack([SIDE / 2 + radius * np.cos(angle), SIDE / 2 + radius * np.sin(angle)], axis=1)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [points.astype(np.int32)], 255)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.8), dtype=np.float32) / 255


def _clouds(rng: np.random.Generator, grain: int) -> Heights:
    """Smooth noise of about the given number of waves across, mean 0, spread 1."""
    coarse = rng.normal(0, 1, (grain + 3, grain + 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _pits(rng: np.random.Generator) -> Heights:
    """Pits, nicks and scratches: what makes a specimen this one."""
    sheet = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(60, 140))):
        x, y = (int(one) for one in rng.integers(20, SIDE - 20, 2))
        cv2.circle(sheet, (x, y), int(rng.integers(1, 5)), -1.0 * float(rng.uniform(0.4, 1.4)), -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(4, 14))):
        x, y = (int(one) for one in rng.integers(40, SIDE - 40, 2))
        run = rng.normal(0, 45, 2)
        cv2.line(sheet, (x, y), (int(x + run[0]), int(y + run[1])), -0.9, 1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(sheet, (0, 0), 0.7), dtype=np.float32)


def _ground(name: str, width: int, height: int) -> Heights:
    """The same for every photo on it: a house has one tray."""
    plain = {"white": 0.96, "grey": 0.62, "black": 0.05, "cloth": 0.3, "tray": 0.4, "wood": 0.5}[name]
    scene = np.full((height, width, 3), plain, np.float32)
    if name in ("white", "grey", "black"):
        return scene
    rng = np.random.default_rng([23, GROUNDS.index(name)])
    grain = {"cloth": (160, 160), "tray": (60, 60), "wood": (120, 6)}[name]
    coarse = rng.normal(0, 1, (grain[0], grain[1])).astype(np.float32) * 0.09
    texture = cv2.resize(coarse, (640, 640), interpolation=cv2.INTER_CUBIC)[:height, :width, None]
    scene = np.clip(scene * np.array([1.0, 0.9, 0.75], np.float32) + texture, 0, 1)
    if name == "tray":
        for edge in (24, 44):
            cv2.rectangle(scene, (edge, edge), (width - edge, height - edge), (0.15, 0.1, 0.08), 3)
    return np.asarray(scene, dtype=np.float32)


def _with_bar(picture: Pixels) -> Pixels:
    """With a printed scale and colour chart along the lower edge, as a house lays beside every lot."""
    picture = picture.copy()
    height, width = picture.shape[:2]
    top = height - 54
    picture[top : height - 8, 20 : width - 20] = 245
    for tick in range(0, width - 60, 10):
        long = 22 if tick % 50 == 0 else 12
        cv2.line(picture, (30 + tick, top), (30 + tick, top + long), (0, 0, 0), 1)
    for number in range(11):
        cv2.putText(picture, str(number), (32 + number * 50, top + 38), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1)
    for patch, colour in enumerate([(200, 30, 30), (30, 160, 40), (30, 60, 190), (230, 210, 40), (0, 0, 0)]):
        cv2.rectangle(picture, (width - 130 + patch * 20, top + 20), (width - 112 + patch * 20, top + 40), colour, -1)
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
