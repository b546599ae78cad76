"""Figures of what stands, hangs or is worn in a house."""

from __future__ import annotations

import math

from demo.drawings.brush import CREAM, DARK, GOLD, PAINTS, STEEL, WHITE, WOODS, Brush, Figure, shade


def chair(b: Brush) -> None:
    wood, seat = b.pick(WOODS), b.pick(PAINTS)
    for x in (36, 62):
        b.line([(x, 12), (x, 68)], wood, 2.4)
    for y in (16, 23, 30):
        b.bar(36, y, 62, y + 3, shade(wood, 1.1), 1)
    b.line([(30, 46), (28, 70)], wood, 2.4)
    b.line([(68, 46), (70, 70)], wood, 2.4)
    b.poly([(35, 40), (64, 40), (71, 47), (28, 47)], seat)
    b.poly([(28, 47), (71, 47), (71, 50), (28, 50)], shade(seat, 0.7))


def table(b: Brush) -> None:
    wood = b.pick(WOODS)
    for x, y in ((22, 68), (78, 68), (32, 58), (68, 58)):
        b.bar(x - 1.8, 34, x + 1.8, y, shade(wood, 0.8 if y > 60 else 0.6))
    b.poly([(26, 26), (74, 26), (86, 36), (14, 36)], shade(wood, 1.12))
    b.bar(14, 36, 86, 40, wood)
    b.bar(42, 40, 58, 45, shade(wood, 0.9))
    b.oval(50, 42.5, 1, 1, GOLD)


def sofa(b: Brush) -> None:
    cloth = b.pick(PAINTS)
    b.bar(16, 24, 84, 56, shade(cloth, 0.85), 6)
    b.bar(10, 34, 22, 62, cloth, 5)
    b.bar(78, 34, 90, 62, cloth, 5)
    for x in (22, 50.5):
        b.bar(x, 28, x + 27.5, 46, shade(cloth, 1.02), 4)
        b.bar(x, 44, x + 27.5, 54, shade(cloth, 1.18), 3)
    b.bar(14, 54, 86, 63, shade(cloth, 0.75), 2)
    for x in (18, 79):
        b.bar(x, 63, x + 3, 68, DARK)


def shelf(b: Brush) -> None:
    wood = b.pick(WOODS)
    b.bar(28, 6, 72, 70, wood)
    for row in range(4):
        y = 9 + row * 15
        b.bar(31, y, 69, y + 13, shade(wood, 0.55))
        x = 32.0
        while x < 62:
            wide = b.random.uniform(1.6, 3.4)
            b.bar(x, y + b.random.uniform(2, 5), x + wide, y + 13, b.pick(PAINTS))
            x += wide + 0.3


def lamp(b: Brush) -> None:
    metal, cover = b.pick((GOLD, STEEL, DARK)), b.pick((*PAINTS, CREAM))
    b.oval(46, 67, 14, 3, shade(metal, 0.8))
    b.line([(46, 66), (34, 44), (54, 24)], metal, 1.8)
    b.oval(34, 44, 2, 2, shade(metal, 0.7))
    b.poly([(52, 16), (62, 22), (70, 42), (44, 34)], cover)
    b.oval(57, 38, 7, 3.6, (250, 236, 170))


def chandelier(b: Brush) -> None:
    b.line([(50, 4), (50, 40)], GOLD, 1.4)
    for side in (-1, 1):
        for reach in (12, 22, 32):
            x = 50 + side * reach
            b.arc(50 + side * reach / 2, 40, reach / 2, 12, 0, 180, GOLD, 1.2)
            b.bar(x - 1, 30, x + 1, 40, CREAM)
            b.oval(x, 27.5, 1.4, 2.4, (250, 216, 120))
            for drop in range(3):
                b.poly(
                    [(x, 43 + drop * 4), (x - 1.2, 45 + drop * 4), (x, 47 + drop * 4), (x + 1.2, 45 + drop * 4)], WHITE
                )
    b.oval(50, 54, 3, 4, WHITE)


def mirror(b: Brush) -> None:
    frame = b.pick((*WOODS, GOLD, CREAM))
    b.bar(31, 6, 69, 70, frame, 3)
    b.bar(35, 10, 65, 66, (190, 208, 216), 2)
    b.poly([(40, 66), (54, 10), (60, 10), (46, 66)], (222, 234, 240))
    b.oval(50, 8, 4, 3, shade(frame, 1.2))


def painting(b: Brush) -> None:
    frame, sky = b.pick((GOLD, *WOODS)), b.pick(((150, 180, 206), (226, 190, 140), (178, 186, 190)))
    b.bar(16, 10, 84, 66, frame)
    b.bar(20, 14, 80, 62, shade(frame, 0.7))
    b.bar(22, 16, 78, 60, sky)
    b.bar(22, 42, 78, 60, b.pick(((70, 112, 130), (120, 140, 84))))
    b.oval(b.random.uniform(34, 66), 25, 4, 4, (250, 232, 180))
    x = b.random.uniform(38, 58)
    b.poly([(x, 26), (x, 46), (x + 10, 46)], CREAM)
    b.poly([(x - 9, 47), (x + 13, 47), (x + 9, 51), (x - 6, 51)], shade(WOODS[1], 0.7))


def rug(b: Brush) -> None:
    ground, pattern = b.pick(PAINTS), b.pick((CREAM, GOLD))
    b.poly([(24, 14), (76, 14), (90, 66), (10, 66)], shade(ground, 0.7))
    b.poly([(27, 18), (73, 18), (84, 62), (16, 62)], ground)
    for step in range(3):
        y, half = 26 + step * 13, 8 + step * 1.4
        b.poly([(50, y - 5), (50 + half, y), (50, y + 6), (50 - half, y)], pattern)
        b.poly([(50, y - 2.5), (50 + half / 2, y), (50, y + 3), (50 - half / 2, y)], shade(ground, 0.6))
    for step in range(27):
        b.line([(11 + step * 3, 66), (10.6 + step * 3, 70)], CREAM, 0.5)


def clock(b: Brush) -> None:
    wood = b.pick((*WOODS, GOLD))
    b.poly([(30, 68), (32, 24), (50, 8), (68, 24), (70, 68)], wood)
    b.oval(50, 32, 14, 14, GOLD)
    b.oval(50, 32, 12.4, 12.4, WHITE)
    for step in range(12):
        angle = math.radians(step * 30)
        b.oval(50 + 10.4 * math.cos(angle), 32 + 10.4 * math.sin(angle), 0.8, 0.8, DARK)
    b.line([(50, 32), (50 + b.random.uniform(-6, 6), 25)], DARK, 1)
    b.line([(50, 32), (59, 32 + b.random.uniform(-3, 3))], DARK, 0.7)
    b.line([(50, 48), (50, 58)], GOLD, 0.7)
    b.oval(50, 60, 3, 3, GOLD)


def mug(b: Brush) -> None:
    glaze, mark = b.pick((WHITE, CREAM, *PAINTS)), b.pick(PAINTS)
    b.ring(68, 42, 10, 12, shade(glaze, 0.85), 3)
    b.bar(32, 20, 66, 65, glaze, 4)
    b.oval(49, 20, 17, 4, shade(glaze, 0.8))
    b.oval(49, 20.6, 15, 3, shade(glaze, 0.55))
    b.poly([(49, 34), (56, 40), (53, 50), (45, 50), (42, 40)], mark)
    b.line([(32, 58), (66, 58)], mark, 1.2)


def plant(b: Brush) -> None:
    pot = b.pick(((186, 110, 74), (210, 206, 196), (70, 100, 130)))
    for step in range(13):
        angle = math.radians(190 + step * 13.3)
        reach = b.random.uniform(20, 32)
        x, y = 50 + reach * math.cos(angle), 46 + reach * 1.2 * math.sin(angle)
        green = b.pick(((70, 128, 72), (92, 150, 84), (54, 106, 66)))
        b.line([(50, 48), (x, y)], shade(green, 0.7), 0.8)
        b.oval(x, y, 5, 3.4, green)
    b.poly([(37, 48), (63, 48), (59, 69), (41, 69)], pot)
    b.bar(35, 46, 65, 51, shade(pot, 1.1))


def stove(b: Brush) -> None:
    iron = b.pick(((62, 62, 66), (96, 64, 48)))
    b.bar(46, 2, 54, 22, shade(iron, 0.8))
    b.bar(28, 20, 72, 62, iron, 2)
    b.bar(25, 18, 75, 22, shade(iron, 1.2), 1)
    b.bar(34, 28, 66, 50, shade(iron, 0.6), 2)
    b.bar(36, 30, 64, 48, (60, 30, 20), 1)
    for step in range(6):
        x = 39 + step * 4.4
        b.poly(
            [(x - 2.4, 48), (x, 35 + b.random.uniform(-3, 4)), (x + 2.4, 48)], b.pick(((236, 140, 50), (246, 196, 80)))
        )
    for x in (32, 65):
        b.bar(x, 62, x + 3, 69, iron)


def washer(b: Brush) -> None:
    b.bar(28, 8, 72, 69, WHITE, 2)
    b.bar(28, 8, 72, 19, (216, 220, 224), 2)
    b.bar(32, 11, 42, 16, (190, 196, 202), 1)
    b.oval(64, 13.5, 2.8, 2.8, STEEL)
    b.oval(50, 43, 17, 17, STEEL)
    b.oval(50, 43, 13.5, 13.5, (70, 90, 110))
    b.arc(50, 47, 11, 7, 0, 180, (150, 190, 214), 3)
    b.arc(47, 39, 8, 7, 190, 270, (190, 214, 230), 1.4)


def fridge(b: Brush) -> None:
    body = b.pick((WHITE, (196, 200, 206)))
    b.bar(34, 3, 66, 70, body, 2)
    b.line([(34, 26), (66, 26)], shade(body, 0.55), 0.8)
    b.bar(60, 14, 62, 24, shade(body, 0.6), 0.8)
    b.bar(60, 29, 62, 46, shade(body, 0.6), 0.8)
    b.bar(40, 32, 46, 39, b.pick(PAINTS))


def dress(b: Brush) -> None:
    cloth = b.pick(PAINTS)
    b.line([(34, 10), (50, 4), (66, 10)], STEEL, 0.9)
    b.poly([(42, 10), (46, 10), (50, 16), (54, 10), (58, 10), (60, 32), (74, 68), (26, 68), (40, 32)], cloth)
    for x in (34, 42, 50, 58, 66):
        b.line([(50 + (x - 50) * 0.4, 36), (x, 68)], shade(cloth, 0.75), 0.7)
    b.bar(40, 31, 60, 34, shade(cloth, 0.55))


def shirt(b: Brush) -> None:
    cloth, trim = b.pick(PAINTS), b.pick((WHITE, GOLD, CREAM))
    b.poly([(36, 12), (44, 9), (56, 9), (64, 12), (67, 68), (33, 68)], cloth)
    b.poly([(36, 11), (34, 30), (24, 38), (16, 28)], cloth)
    b.poly([(64, 11), (66, 30), (76, 38), (84, 28)], cloth)
    b.oval(50, 9, 6, 4.5, shade(cloth, 0.5))
    b.bar(33.6, 38, 66.4, 43, trim)
    b.line([(24, 37.6), (16.4, 28.4)], trim, 1.6)
    b.line([(76, 37.6), (83.6, 28.4)], trim, 1.6)


def shoe(b: Brush) -> None:
    leather, sole = b.pick((*PAINTS, *WOODS)), b.pick((WHITE, DARK))
    b.poly([(18, 58), (18, 32), (24, 28), (34, 32), (48, 40), (70, 46), (82, 54), (82, 58)], leather)
    b.bar(16, 57, 84, 63, sole, 2)
    b.oval(26, 31, 8, 3, shade(leather, 0.5))
    for step in range(5):
        x, y = 36 + step * 5, 34 + step * 2.7
        b.line([(x, y), (x + 4, y + 4)], WHITE, 1)
    b.arc(76, 60, 14, 14, 200, 275, shade(leather, 0.7), 0.9)


def bag(b: Brush) -> None:
    hide = b.pick((*WOODS, *PAINTS))
    b.arc(50, 24, 13, 14, 180, 360, shade(hide, 0.7), 2.4)
    b.poly([(26, 26), (74, 26), (80, 66), (20, 66)], hide)
    b.poly([(26, 26), (74, 26), (76, 42), (24, 42)], shade(hide, 0.85))
    b.bar(47, 38, 53, 46, GOLD, 1)
    b.bar(32, 50, 68, 61, shade(hide, 1.12), 2)


def trunk(b: Brush) -> None:
    wood = b.pick(WOODS)
    b.oval(50, 33, 36, 17, shade(wood, 1.1))
    b.bar(14, 33, 86, 66, wood, 1)
    b.bar(14, 32, 86, 35, shade(wood, 0.6))
    for x in (20, 48, 76):
        b.bar(x, 19, x + 4, 66, shade(wood, 0.7))
        for y in (22, 28, 40, 48, 56):
            b.oval(x + 2, y, 0.8, 0.8, GOLD)
    b.bar(46, 33, 54, 41, GOLD, 1)


def pram(b: Brush) -> None:
    cloth = b.pick(PAINTS)
    b.line([(30, 34), (64, 62)], STEEL, 1.4)
    b.line([(66, 36), (36, 62)], STEEL, 1.4)
    b.line([(68, 36), (84, 22)], STEEL, 1.6)
    b.poly([(22, 34), (72, 34), (66, 50), (30, 50)], cloth)
    b.poly([(22, 34), (26, 18), (40, 10), (50, 34)], shade(cloth, 0.75))
    for x in (34, 66):
        b.ring(x, 62, 6.4, 6.4, DARK, 1.6)
        b.oval(x, 62, 1.4, 1.4, STEEL)


def toy(b: Brush) -> None:
    body, cab = b.pick(PAINTS), b.pick(PAINTS)
    b.bar(22, 34, 60, 54, body, 4)
    b.bar(56, 18, 78, 54, cab, 2)
    b.bar(60, 23, 74, 34, (206, 226, 236), 1)
    b.bar(28, 22, 35, 36, shade(body, 0.7))
    b.oval(31.5, 21, 5, 2, GOLD)
    b.bar(18, 53, 82, 57, DARK)
    for x, size in ((28, 6), (42, 6), (68, 8)):
        b.oval(x, 60, size, size, shade(cab, 0.7))
        b.oval(x, 60, size / 3, size / 3, GOLD)


def game(b: Brush) -> None:
    box = b.pick(PAINTS)
    b.poly([(14, 26), (64, 16), (88, 28), (36, 42)], shade(box, 1.15))
    b.poly([(14, 26), (36, 42), (36, 62), (14, 44)], shade(box, 0.7))
    b.poly([(36, 42), (88, 28), (88, 46), (36, 62)], box)
    b.poly([(42, 35), (56, 22), (70, 30)], GOLD)
    b.poly([(56, 22), (70, 30), (62, 24)], shade(GOLD, 0.7))
    b.line([(42, 51), (80, 40)], WHITE, 2)
    for x, y in ((24, 66), (30, 68)):
        b.bar(x, y - 4, x + 4, y, WHITE, 0.6)
        b.oval(x + 2, y - 2, 0.7, 0.7, DARK)


def book(b: Brush) -> None:
    for row in range(b.random.randint(1, 4)):
        y, cover = 64 - row * 5, b.pick(PAINTS)
        b.bar(22 + row, y - 4.4, 78 - row * 2, y, cover, 0.6)
        b.bar(24 + row, y - 3.6, 76 - row * 2, y - 0.9, CREAM)
    cover = b.pick(PAINTS)
    b.poly([(34, 44), (34, 8), (66, 8), (66, 44)], cover)
    b.bar(34, 8, 37, 44, shade(cover, 0.65))
    b.bar(41, 14, 62, 17, CREAM)
    b.bar(44, 19, 59, 20.6, CREAM)
    b.poly([(43, 38), (51.5, 25), (60, 38)], GOLD)


HOUSEHOLD: dict[str, Figure] = {
    figure.__name__: figure
    for figure in (
        chair, table, sofa, shelf, lamp, chandelier, mirror, painting, rug, clock, mug, plant, stove, washer, fridge,
        dress, shirt, shoe, bag, trunk, pram, toy, game, book,
    )
}  # fmt: skip
