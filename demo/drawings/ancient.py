"""Figures of old things and of what is made to look like them."""

from __future__ import annotations

import math

from demo.drawings.brush import (
    BRONZE,
    CLAY,
    CREAM,
    DARK,
    GOLD,
    PAINTS,
    STEEL,
    STONE,
    WHITE,
    Brush,
    Colour,
    Figure,
    shade,
)

FAIENCE: tuple[Colour, ...] = ((70, 158, 168), (86, 148, 184), (98, 172, 150))


def head(b: Brush) -> None:
    _face(b, b.pick(STONE), beard=True)


def youth(b: Brush) -> None:
    _face(b, b.pick(((230, 224, 210), (206, 150, 116))), beard=False)


def veiled(b: Brush) -> None:
    stone = b.pick(STONE)
    b.poly([(26, 68), (29, 34), (36, 15), (50, 9), (64, 15), (71, 34), (74, 68)], shade(stone, 0.74))
    _face(b, stone, beard=False)
    b.arc(50, 36, 16, 22, 195, 345, shade(stone, 1.2), 2.6)
    for step in range(7):
        angle = math.radians(207 + step * 21)
        b.oval(50 + 15 * math.cos(angle), 36 + 20.6 * math.sin(angle), 1.1, 1.1, shade(stone, 0.5))


def _face(b: Brush, stone: Colour, *, beard: bool) -> None:
    b.poly([(38, 68), (43, 50), (57, 50), (62, 68)], shade(stone, 0.86))
    b.oval(50, 34, 17, 22, shade(stone, 0.8))
    b.oval(50, 37, 13.5, 18, stone)
    for row in range(3):
        for step in range(9):
            angle = math.radians(195 + step * 19)
            b.oval(
                50 + (15 - row * 2) * math.cos(angle),
                36 + (21 - row * 2.6) * math.sin(angle),
                2.2,
                2,
                shade(stone, 0.68 + row * 0.1),
            )
    if beard:
        for row in range(3):
            for step in range(7 - row):
                b.oval(41.5 + row * 1.4 + step * 2.8, 47 + row * 3, 1.9, 1.8, shade(stone, 0.7 + 0.06 * (step % 2)))
    for x in (44.5, 55.5):
        b.oval(x, 34, 3.4, 1.8, shade(stone, 1.14))
        b.oval(x, 34, 1.2, 1.4, shade(stone, 0.45))
        b.arc(x, 33, 4.4, 4, 200, 340, shade(stone, 0.55), 0.6)
    b.poly([(50, 32), (47.4, 42), (52.6, 42)], shade(stone, 0.88))
    b.line([(46.5, 46), (50, 45.4), (53.5, 46)], shade(stone, 0.5), 0.7)
    b.bar(40, 66, 60, 70, DARK)


def alabaster(b: Brush) -> None:
    stone = shade((226, 214, 190), b.random.uniform(0.95, 1.04))
    b.poly([(44, 64), (45, 42), (55, 42), (56, 64)], shade(stone, 0.92))
    b.poly([(38, 14), (62, 14), (61, 34), (55, 48), (45, 48), (39, 34)], stone)
    b.oval(37.5, 30, 1.8, 4, shade(stone, 0.9))
    b.oval(62.5, 30, 1.8, 4, shade(stone, 0.9))
    for x in (44.5, 55.5):
        b.oval(x, 26, 3.2, 1.6, shade(stone, 0.4))
        b.line([(x - 4, 22.5), (x, 21.5), (x + 4, 22.5)], shade(stone, 0.6), 0.8)
    b.bar(49, 24, 51, 37, shade(stone, 0.84), 0.8)
    b.bar(46.5, 41, 53.5, 42.3, shade(stone, 0.55), 0.6)
    b.bar(36, 62, 64, 69, shade(stone, 0.7))


def nefertiti(b: Brush) -> None:
    skin, crown = shade((190, 136, 96), b.random.uniform(0.94, 1.06)), (54, 84, 122)
    b.poly([(34, 69), (42, 56), (58, 56), (66, 69)], b.pick(PAINTS))
    b.poly([(44, 60), (45, 40), (55, 40), (56, 60)], shade(skin, 0.9))
    b.oval(50, 33, 9.5, 13, skin)
    b.poly([(40.5, 30), (33, 7), (67, 7), (59.5, 30), (55, 25), (45, 25)], crown)
    b.poly([(37.6, 20), (36, 15), (64, 15), (62.4, 20)], GOLD)
    b.oval(50, 15.5, 2, 3.4, PAINTS[0])
    for side in (-1, 1):
        x = 50 + side * 4
        b.oval(x, 31.5, 2.3, 1.1, WHITE)
        b.oval(x, 31.5, 0.9, 1, DARK)
        b.line([(x - 2.8, 29), (x, 28.2), (x + 2.8, 29)], DARK, 0.7)
        b.oval(50 + side * 9.6, 34, 1.4, 3, shade(skin, 0.85))
    b.poly([(50, 31), (48.4, 37), (51.6, 37)], shade(skin, 0.86))
    b.oval(50, 41, 2.6, 1, (150, 64, 54))
    b.arc(50, 55, 10, 7, 10, 170, GOLD, 2)


def tablet(b: Brush) -> None:
    clay = b.pick(CLAY)
    b.bar(30, 14, 70, 66, clay, 7)
    b.line([(62, 14), (65, 20), (70, 23)], shade(clay, 0.6), 0.6)
    for row in range(9):
        y = 20 + row * 5
        b.line([(33, y + 3.4), (67, y + 3.4)], shade(clay, 0.82), 0.25)
        x = 34.0
        while x < 64:
            size = b.random.uniform(0.9, 1.5)
            ink = shade(clay, 0.48)
            if b.random.random() < 0.5:
                b.poly([(x, y - size), (x + 2 * size, y - size), (x + size, y + size)], ink)
                b.line([(x + size, y), (x + size, y + 2.6)], ink, 0.4)
            else:
                b.poly([(x, y - size), (x, y + size), (x + 1.8 * size, y)], ink)
                b.line([(x + size, y), (x + size + 2.6, y)], ink, 0.4)
            x += b.random.uniform(2.8, 4.6)


def _mummy(b: Brush, glaze: Colour, ink: Colour) -> None:
    b.turned([(12, 4), (16, 7.5), (24, 9), (32, 12.5), (44, 11.5), (58, 7.5), (64, 7), (67, 9), (70, 9)], glaze)
    b.poly([(42, 13), (58, 13), (61, 33), (55, 33), (54, 24), (46, 24), (45, 33), (39, 33)], shade(glaze, 0.55))
    b.oval(50, 19.5, 5, 6, shade(glaze, 1.08))
    for x in (48, 52):
        b.oval(x, 18.5, 1.1, 0.7, ink)
    b.line([(48.5, 22.6), (51.5, 22.6)], ink, 0.5)
    b.line([(40, 34), (56, 38)], shade(glaze, 0.7), 2)
    b.line([(60, 34), (44, 38)], shade(glaze, 0.7), 2)


def shabti(b: Brush) -> None:
    glaze = b.pick(FAIENCE)
    ink = shade(glaze, 0.35)
    _mummy(b, glaze, ink)
    for row in range(6):
        y = 43 + row * 3.4
        half = 9.5 - row * 0.7
        b.line([(50 - half, y), (50 + half, y)], ink, 0.3)
        x = 51 - half
        while x < 49 + half:
            mark = b.random.randrange(3)
            if mark == 0:
                b.oval(x, y + 1.7, 0.7, 0.7, ink)
            elif mark == 1:
                b.bar(x - 0.3, y + 0.8, x + 0.3, y + 2.7, ink)
            else:
                b.line([(x - 0.7, y + 2.3), (x, y + 1.1), (x + 0.7, y + 2.3)], ink, 0.35)
            x += 2


def osiris(b: Brush) -> None:
    metal = b.pick(BRONZE)
    b.turned([(1, 1.5), (6, 3.4), (13, 4.2)], shade(metal, 1.1))
    b.arc(43, 9, 4, 6, 60, 280, shade(metal, 0.9), 1.6)
    b.arc(57, 9, 4, 6, 260, 480, shade(metal, 0.9), 1.6)
    _mummy(b, metal, shade(metal, 0.4))
    b.line([(44, 37), (38, 27), (41, 24)], shade(metal, 1.2), 0.9)
    b.line([(56, 37), (61, 27), (64, 31)], shade(metal, 1.2), 0.9)


def oillamp(b: Brush) -> None:
    clay = b.pick(CLAY)
    b.poly([(54, 32), (82, 40), (86, 46), (82, 51), (54, 56)], shade(clay, 0.94))
    b.oval(81, 45.5, 5, 4.4, shade(clay, 1.04))
    b.oval(82, 45, 2.8, 2.2, (38, 28, 24))
    b.ring(18, 43, 8, 8, shade(clay, 0.85), 3)
    b.oval(42, 44, 23, 17, clay)
    b.ring(42, 43, 17, 12, shade(clay, 0.75), 0.8)
    b.oval(42, 43, 14, 9.6, shade(clay, 0.86))
    relief = shade(clay, 1.2)
    b.oval(37, 39, 2, 2, relief)
    b.line([(37, 40), (39, 46), (35, 50)], relief, 1.6)
    b.line([(39, 46), (43, 50)], relief, 1.6)
    b.line([(37.5, 42), (46, 40)], relief, 1.1)
    b.oval(48, 46, 1.6, 1.3, (46, 32, 26))
    b.poly([(28, 58), (56, 58), (52, 62), (32, 62)], shade(clay, 0.7))


def flask(b: Brush) -> None:
    glass = b.pick(((126, 172, 150), (140, 178, 182), (158, 176, 120)))
    b.turned([(11, 6.5), (13, 3.2), (34, 3), (44, 11), (56, 14), (64, 10), (67, 5)], glass)
    for step in range(14):
        sheen = b.pick(((176, 132, 190), (126, 196, 196), (206, 190, 120), (150, 140, 210)))
        x, y = b.random.uniform(41, 59), b.random.uniform(46, 63)
        b.arc(x, y, 4, 2, 180 + step * 9, 300 + step * 9, sheen, 0.7)
    b.oval(50, 11.4, 6.5, 1.5, shade(glass, 0.7))
    b.line([(45, 48), (43, 57)], shade(glass, 1.4), 1)


def _coin(b: Brush, x: float, y: float, size: float, metal: Colour) -> None:
    b.oval(x, y, size, size * 0.98, metal)
    for step in range(30):
        angle = math.radians(step * 12)
        b.oval(
            x + size * 0.88 * math.cos(angle),
            y + size * 0.86 * math.sin(angle),
            size / 28,
            size / 28,
            shade(metal, 0.7),
        )
    dark, bright = shade(metal, 0.66), shade(metal, 1.18)
    b.oval(x, y - size * 0.1, size * 0.36, size * 0.42, bright)
    face = [(0.3, -0.3), (0.4, -0.05), (0.52, 0.06), (0.38, 0.12), (0.36, 0.26), (0.1, 0.4), (-0.1, 0.1)]
    b.poly([(x + dx * size, y + dy * size) for dx, dy in face], bright)
    b.poly(
        [(x + dx * size, y + dy * size) for dx, dy in ((-0.2, 0.2), (0.12, 0.3), (0.2, 0.66), (-0.4, 0.66))],
        bright,
    )
    for step in range(4):
        b.arc(x - size * 0.08, y - size * 0.16, size * (0.2 + step * 0.07), size * 0.32, 150, 285, dark, size / 26)
    b.oval(x + size * 0.2, y - size * 0.12, size * 0.05, size * 0.04, dark)


def coin(b: Brush) -> None:
    _coin(b, 50, 39, 27, b.pick(((176, 174, 166), (196, 160, 84), (140, 108, 74))))


def coins(b: Brush) -> None:
    for row in range(3):
        for column in range(4):
            metal = b.pick(((112, 100, 72), (94, 106, 84), (128, 96, 64)))
            x = 24 + column * 17 + b.random.uniform(-2, 2)
            _coin(b, x, 22 + row * 17 + b.random.uniform(-2, 2), b.random.uniform(6.2, 7.8), metal)


def scarab(b: Brush) -> None:
    stone = b.pick(FAIENCE)
    for y in (30, 42, 54):
        for side in (-1, 1):
            b.line([(50, y), (50 + side * 23, y - 3), (50 + side * 27, y + 4)], shade(stone, 0.6), 2)
    b.oval(50, 44, 21, 24, stone)
    b.oval(50, 21, 11, 8, shade(stone, 0.9))
    b.poly([(43, 15), (46, 9), (50, 13), (54, 9), (57, 15)], shade(stone, 0.9))
    b.arc(50, 44, 21, 22, 200, 340, shade(stone, 0.5), 1)
    b.line([(29.5, 38), (70.5, 38)], shade(stone, 0.5), 0.9)
    b.line([(50, 38), (50, 67)], shade(stone, 0.5), 0.9)
    for side in (-1, 1):
        b.arc(50 + side * 3, 52, 14, 18, 190 if side < 0 else 270, 270 if side < 0 else 350, shade(stone, 0.7), 0.5)


def bowl(b: Brush) -> None:
    slip = b.pick((CREAM, (196, 206, 190), (120, 170, 172)))
    ink = b.pick(((70, 44, 30), (36, 62, 120), (110, 50, 30)))
    b.turned([(30, 34), (38, 32), (50, 24), (60, 12), (64, 10), (67, 11)], slip)
    b.oval(50, 30, 34, 9, shade(slip, 0.86))
    b.oval(50, 31, 30, 7, shade(slip, 0.96))
    for step in range(26):
        angle = math.radians(step * 13.8)
        x, y = 50 + 31 * math.cos(angle), 30.4 + 7.4 * math.sin(angle)
        tall = b.random.uniform(0.6, 1.9)
        b.line([(x, y - tall), (x, y + 0.5), (x + 1.3, y + 0.5)], ink, 0.6)
    b.oval(50, 32, 4, 1.4, ink)
    b.line([(20, 42), (30, 45.5), (50, 47), (70, 45.5), (80, 42)], ink, 0.8)


def stele(b: Brush) -> None:
    stone = b.pick(STONE)
    b.poly([(33, 68), (33, 22), (50, 8), (67, 22), (67, 68)], stone)
    carve = shade(stone, 0.58)
    b.poly([(50, 32), (41, 50), (59, 50)], carve)
    b.line([(39, 32), (61, 32)], carve, 1.4)
    b.line([(39, 32), (39, 28.5)], carve, 1.2)
    b.line([(61, 32), (61, 28.5)], carve, 1.2)
    b.oval(50, 27.5, 3.4, 3.4, carve)
    b.arc(50, 17, 4, 3, 180, 360, carve, 0.9)
    for row in range(3):
        x = 37.0
        while x < 62:
            y = 55 + row * 4
            b.line([(x, y), (x + b.random.uniform(-0.8, 0.8), y + 2.4)], carve, 0.5)
            x += b.random.uniform(1.6, 3)


def amphora(b: Brush) -> None:
    clay = b.pick(CLAY)
    for side in (-1, 1):
        b.line([(50 + side * 5, 13), (50 + side * 13, 16), (50 + side * 13, 27)], shade(clay, 0.8), 2.2)
    b.turned([(8, 7), (11, 7), (13, 4.6), (24, 5), (31, 15), (42, 16), (58, 8), (66, 3), (70, 3)], clay)
    b.oval(50, 8.4, 7, 1.6, shade(clay, 0.55))
    for _ in range(16):
        size = b.random.uniform(0.5, 1.7)
        b.oval(b.random.uniform(40, 60), b.random.uniform(30, 52), size, size * 0.8, (206, 200, 184))


def vase(b: Brush) -> None:
    clay, black = b.pick(CLAY), (40, 32, 30)
    for side in (-1, 1):
        b.arc(50 + side * 12, 26, 7, 9, 0, 360, black, 1.8)
    b.turned([(9, 10), (12, 9), (15, 6), (25, 6.5), (34, 18), (46, 19), (60, 9), (64, 7), (69, 12)], clay)
    b.turned([(9, 10), (12, 9), (15, 6), (22, 6)], black)
    b.turned([(56, 12.4), (60, 9), (64, 7), (69, 12)], black)
    for x in (42, 55):
        b.oval(x, 33, 1.8, 1.9, black)
        b.poly([(x - 2, 35), (x + 3, 35), (x + 1, 45), (x - 3, 45)], black)
        b.line([(x, 37), (x + 5, 40)], black, 0.9)
        b.line([(x - 1, 45), (x + 2, 51)], black, 1.2)
        b.line([(x - 1, 45), (x - 4, 51)], black, 1.2)
    b.line([(34, 52), (66, 52)], black, 0.8)


def jug(b: Brush) -> None:
    body, band = b.pick(((224, 220, 206), (176, 128, 72), (120, 138, 150))), b.pick(PAINTS)
    b.ring(67, 36, 9, 14, shade(body, 0.85), 2.6)
    b.turned([(14, 10), (20, 8.5), (30, 11), (46, 18), (60, 14), (67, 12)], body)
    b.poly([(41, 14), (33, 11), (40, 21)], body)
    for y in (34, 40, 46, 52):
        half = 11 + (y - 30) * 0.42 if y < 46 else 17.6 - (y - 46) * 0.3
        b.line([(50 - half, y), (50 + half, y)], band, 1.2)
    b.oval(50, 14, 10, 2, shade(body, 0.6))


def figurine(b: Brush) -> None:
    clay = b.pick(CLAY)
    b.poly([(44, 30), (56, 30), (58, 44), (62, 66), (38, 66), (42, 44)], clay)
    b.line([(44, 33), (34, 39), (42, 42)], shade(clay, 0.9), 3)
    b.line([(56, 33), (66, 39), (58, 42)], shade(clay, 0.9), 3)
    b.bar(46.5, 22, 53.5, 32, shade(clay, 0.9))
    b.oval(50, 18, 7, 8, clay)
    b.poly([(50, 16), (47.5, 23), (52.5, 23)], shade(clay, 1.15))
    for x in (46.0, 54.0):
        b.oval(x, 16.5, 2, 2, shade(clay, 1.15))
        b.oval(x, 16.5, 0.8, 0.8, shade(clay, 0.4))
    for y in (26, 28, 30):
        b.line([(46, y), (54, y)], shade(clay, 0.55), 0.6)
    for x in (46.5, 53.5):
        b.oval(x, 37, 2.2, 2, shade(clay, 1.1))
    b.line([(50, 54), (50, 66)], shade(clay, 0.6), 0.6)


def cat(b: Brush) -> None:
    black = (52, 50, 56)
    b.turned([(24, 5), (34, 9), (50, 13), (64, 14), (67, 14)], black)
    b.oval(50, 20, 8.5, 8, black)
    for side in (-1, 1):
        b.poly([(50 + side * 2, 14), (50 + side * 9, 5), (50 + side * 8.5, 18)], black)
        b.oval(50 + side * 3.4, 19, 1.6, 1.1, GOLD)
        b.line([(50 + side * 3, 44), (50 + side * 3.6, 66)], shade(black, 1.6), 0.7)
    b.arc(50, 28, 8, 6, 15, 165, GOLD, 2.2)
    b.line([(63, 62), (71, 58), (70, 48)], black, 2.4)
    b.bar(32, 66, 68, 70, GOLD)


def sphinx(b: Brush) -> None:
    stone = b.pick(STONE)
    b.oval(70, 52, 14, 11, shade(stone, 0.9))
    b.bar(30, 44, 78, 62, stone, 6)
    b.bar(14, 57, 44, 64, shade(stone, 1.04), 3)
    b.poly([(24, 48), (28, 18), (46, 18), (50, 48)], shade(stone, 0.8))
    for y in range(22, 48, 4):
        b.line([(27, y), (31, y)], GOLD, 1)
        b.line([(44, y), (48, y)], GOLD, 1)
    b.oval(37, 28, 7, 9, shade(stone, 1.06))
    for x in (34, 40):
        b.oval(x, 26, 1.5, 0.8, shade(stone, 0.4))
    b.line([(34.6, 33), (39.4, 33)], shade(stone, 0.5), 0.7)
    b.bar(10, 63, 88, 69, shade(stone, 0.75))


def ring(b: Brush) -> None:
    metal = b.pick((GOLD, STEEL, (126, 120, 84)))
    stone = b.pick(PAINTS)
    b.ring(50, 46, 19, 20, metal, 3.6)
    b.oval(50, 23, 11, 8, shade(metal, 0.85))
    b.oval(50, 22.4, 8.6, 6, stone)
    b.line([(50, 18), (50, 27)], shade(stone, 1.5), 0.8)
    b.line([(45, 22.4), (55, 22.4)], shade(stone, 1.5), 0.8)


def beads(b: Brush) -> None:
    first, second = b.pick(FAIENCE), b.pick(((176, 74, 40), (210, 160, 60), (232, 224, 206)))
    for step in range(40):
        angle = math.radians(step * 9)
        wobble = 1 + 0.05 * math.sin(step * 1.7)
        size = 2.7 if step % 5 else 3.6
        x, y = 50 + 27 * wobble * math.cos(angle), 38 + 23 * wobble * math.sin(angle)
        b.oval(x, y, size, size, second if step % 5 == 0 or step % 3 == 0 else first)
        b.oval(x - 0.8, y - 0.8, 0.7, 0.7, CREAM)


def mosaic(b: Brush) -> None:
    ground, bird = b.pick(STONE), b.pick(PAINTS)
    for row in range(17):
        for column in range(22):
            x, y = 20 + column * 2.8, 14 + row * 3.1
            if (x - 50) ** 2 / 900 + (y - 39) ** 2 / 620 > 1 + 0.12 * math.sin(row * 2 + column):
                continue
            body = (x - 52) ** 2 / 150 + (y - 44) ** 2 / 60 < 1 or (x - 42) ** 2 + (y - 31) ** 2 < 32
            beak, wing = 32 < x < 38 and 30 < y < 34, (x - 56) ** 2 / 60 + (y - 44) ** 2 / 20 < 1
            colour = shade(bird, 0.6) if wing else bird if body else GOLD if beak else ground
            b.bar(x, y, x + 2.4, y + 2.7, shade(colour, b.random.uniform(0.86, 1.12)), 0.3)


def manuscript(b: Brush) -> None:
    skin, ink = b.pick(((226, 206, 164), (216, 190, 146))), (74, 46, 26)
    b.poly([(22, 12), (60, 10), (79, 13), (78, 40), (80, 64), (44, 66), (21, 63), (23, 40)], skin)
    for row in range(8):
        y, x = 20 + row * 5.2, 72.0
        while x > 28:
            wide = b.random.uniform(2, 6)
            b.line([(x, y), (x - wide, y)], ink, 1)
            if b.random.random() < 0.6:
                b.line([(x, y), (x, y - 2.8)], ink, 0.8)
            if b.random.random() < 0.25:
                b.oval(x - wide / 2, y - 1.8, 0.6, 0.6, (176, 50, 40))
            x -= wide + 1.4
    b.oval(30, 58, 3.4, 3.4, GOLD)
    b.ring(30, 58, 2, 2, ink, 0.4)


def map_sheet(b: Brush) -> None:
    paper, sea = (232, 222, 192), (150, 182, 190)
    b.bar(16, 12, 84, 66, paper)
    b.bar(20, 16, 80, 62, sea)
    coast = [(20 + step * 4, 40 + 9 * math.sin(step * 0.8) + b.random.uniform(-3, 3)) for step in range(16)]
    b.poly([(20, 16), *coast, (80, 16)], (206, 196, 140))
    b.line(coast, (110, 84, 50), 0.7)
    for _ in range(9):
        b.oval(b.random.uniform(26, 74), b.random.uniform(19, 30), 0.8, 0.8, (150, 50, 40))
    b.ring(70, 54, 5, 5, (110, 84, 50), 0.5)
    b.line([(70, 47), (70, 61)], (110, 84, 50), 0.5)
    for x in (38, 60):
        b.line([(x, 12), (x, 66)], shade(paper, 0.85), 0.4)


def papyrus(b: Brush) -> None:
    b.poly([(24, 10), (77, 12), (76, 66), (22, 64)], (214, 180, 110))
    for step in range(18):
        b.line([(24, 12 + step * 3), (76, 13 + step * 3)], (200, 164, 96), 0.4)
    for x, robe in ((38, (190, 60, 50)), (60, (40, 100, 130))):
        b.poly([(x - 4, 30), (x + 4, 30), (x + 6, 56), (x - 6, 56)], robe)
        b.oval(x, 24, 3.6, 4.4, (150, 84, 52))
        b.poly([(x - 5, 19), (x + 3, 18), (x - 3, 29)], (36, 32, 36))
        b.line([(x + 3, 32), (x + 9, 40)], (150, 84, 52), 1.6)
    b.oval(49, 18, 3, 3, GOLD)


def relief(b: Brush) -> None:
    stone = b.pick(((128, 132, 134), (112, 118, 124)))
    b.poly([(22, 10), (76, 8), (78, 66), (66, 68), (24, 66)], stone)
    b.arc(50, 36, 22, 24, 180, 360, shade(stone, 0.62), 2)
    for step in range(11):
        angle = math.radians(180 + step * 18)
        b.oval(50 + 22 * math.cos(angle), 36 + 24 * math.sin(angle), 2, 1.6, shade(stone, 1.25))
    for x, size in ((50, 1.0), (33, 0.66), (67, 0.66)):
        tone = shade(stone, 1.22)
        b.oval(x, 40 - 14 * size, 4.6 * size, 5 * size, tone)
        b.poly(
            [(x - 6 * size, 40 - 8 * size), (x + 6 * size, 40 - 8 * size), (x + 8 * size, 60), (x - 8 * size, 60)], tone
        )
        for fold in range(3):
            b.arc(x, 38 + fold * 5 * size, 5 * size, 4 * size, 20, 160, shade(stone, 0.7), 0.6)


def fossil(b: Brush) -> None:
    stone = b.pick(((150, 112, 76), (128, 116, 100)))
    b.oval(50, 39, 29, 27, stone)
    points = []
    for step in range(170):
        angle, radius = math.radians(step * 7.2), 27 * (1 - step / 172)
        points.append((50 + radius * math.cos(angle), 39 + radius * 0.93 * math.sin(angle)))
        if step % 3 == 0 and step < 130:
            inner = radius * 0.76
            b.line(
                [points[-1], (50 + inner * math.cos(angle), 39 + inner * 0.93 * math.sin(angle))],
                shade(stone, 1.3),
                0.6,
            )
    b.line(points, shade(stone, 0.5), 1.1)


ANCIENT: dict[str, Figure] = {
    figure.__name__: figure
    for figure in (
        head, youth, veiled, nefertiti, alabaster, tablet, shabti, osiris, oillamp, flask, coin, coins, scarab, bowl,
        stele, amphora, vase, jug, figurine, cat, sphinx, ring, beads, mosaic, manuscript, map_sheet, papyrus, relief,
        fossil,
    )
}  # fmt: skip
