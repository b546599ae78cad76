"""The fourteen edits of a photograph that matching is measured under, each as a seeded function of its pixels (RGB)."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]
Edit = Callable[[Pixels, np.random.Generator], Pixels]


def jpeg_30(picture: Pixels, rng: np.random.Generator) -> Pixels:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=30)
    return np.asarray(Image.open(out).convert("RGB"))


def resize(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return _scaled(picture, float(rng.uniform(0.35, 0.6)))


def crop_10(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return _crop(picture, 0.10, rng)


def crop_25(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return _crop(picture, 0.25, rng)


def crop_45(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return _crop(picture, 0.45, rng)


def border(picture: Pixels, rng: np.random.Generator) -> Pixels:
    share = rng.uniform(0.08, 0.16)
    height, width = picture.shape[:2]
    up, side = int(height * share), int(width * share)
    colour = [int(one) for one in rng.choice([[255, 255, 255], [0, 0, 0], [200, 30, 30], [240, 230, 200]])]
    return _pixels(cv2.copyMakeBorder(picture, up, up, side, side, cv2.BORDER_CONSTANT, value=colour))


def watermark(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """A house's name in half-clear letters, repeated over the whole picture."""
    height, width = picture.shape[:2]
    layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    font = _font(max(14, width // 14))
    for row in range(3):
        pen.text((width * 0.05, height * (0.15 + 0.3 * row)), "GALERIE EXEMPLE", fill=(255, 255, 255, 110), font=font)
        pen.text((width * 0.05 + 2, height * (0.15 + 0.3 * row) + 2), "GALERIE EXEMPLE", fill=(0, 0, 0, 60), font=font)
    return np.asarray(Image.alpha_composite(Image.fromarray(picture).convert("RGBA"), layer).convert("RGB"))


def text_overlay(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """A banner with words across a fifth of the picture."""
    height, width = picture.shape[:2]
    out = Image.fromarray(picture).copy()
    pen = ImageDraw.Draw(out)
    top = int(height * rng.uniform(0.0, 0.8))
    pen.rectangle((0, top, width, top + height // 5), fill=(180, 20, 20))
    pen.text((width * 0.04, top + height * 0.05), "SALE  -30%  FREE SHIPPING", fill="white", font=_font(height // 10))
    return np.asarray(out)


def flip(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return np.ascontiguousarray(picture[:, ::-1])


def quarter_turn(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return np.ascontiguousarray(np.rot90(picture, 1 if rng.random() < 0.5 else 3))


def turn_8(picture: Pixels, rng: np.random.Generator) -> Pixels:
    angle = 8.0 if rng.random() < 0.5 else -8.0
    return np.asarray(Image.fromarray(picture).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white"))


def brightness(picture: Pixels, rng: np.random.Generator) -> Pixels:
    by = 1.45 if rng.random() < 0.5 else 0.6
    return np.clip(picture.astype(np.float32) * by, 0, 255).astype(np.uint8)


def blur(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return _pixels(cv2.GaussianBlur(picture, (0, 0), max(picture.shape[:2]) * 0.004))


def screenshot(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """A shop's page with the photo in it, beside headings, lines of text, a button and a price."""
    page = Image.new("RGB", (1280, 800), "white")
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, 1280, 70), fill=(30, 60, 110))
    pen.text((30, 18), "Example Market", fill="white", font=_font(30))
    pen.rectangle((860, 20, 1240, 50), fill="white")
    side = int(rng.integers(380, 520))
    photo = Image.fromarray(picture)
    photo.thumbnail((side, side), Image.Resampling.LANCZOS)
    page.paste(photo, (int(rng.integers(30, 120)), int(rng.integers(100, 200))))
    for line in range(14):
        words = " ".join("".join(rng.choice(list("abdegilmnorstu"), int(rng.integers(2, 9)))) for _ in range(7))
        pen.text((680, 130 + 34 * line), words, fill=(40, 40, 40), font=_font(18))
    pen.rectangle((680, 640, 900, 690), fill=(230, 120, 20))
    pen.text((710, 650), "Buy it now", fill="white", font=_font(24))
    return np.asarray(page)


EDITS: dict[str, Edit] = {
    "JPEG 30": jpeg_30,
    "resize": resize,
    "10 % crop": crop_10,
    "25 % crop": crop_25,
    "45 % crop": crop_45,
    "border": border,
    "watermark": watermark,
    "text overlay": text_overlay,
    "flip": flip,
    "quarter turn": quarter_turn,
    "8 degree turn": turn_8,
    "brightness": brightness,
    "blur": blur,
    "screenshot in a page": screenshot,
}


def _crop(picture: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """What is left when the share of each side is cut off, at a place drawn by chance."""
    height, width = picture.shape[:2]
    tall, wide = int(height * (1 - share)), int(width * (1 - share))
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    return np.ascontiguousarray(picture[top : top + tall, left : left + wide])


def _scaled(picture: Pixels, by: float) -> Pixels:
    size = (max(1, int(picture.shape[1] * by)), max(1, int(picture.shape[0] * by)))
    return _pixels(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


def _pixels(array: object) -> Pixels:
    return np.asarray(array, dtype=np.uint8)
