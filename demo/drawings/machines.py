"""Figures of vehicles, devices, instruments and tools."""

from __future__ import annotations

import math

from demo.drawings.brush import CREAM, DARK, GOLD, PAINTS, STEEL, WHITE, WOODS, Brush, Figure, shade


def _wheel(b: Brush, x: float, y: float, size: float) -> None:
    for step in range(10):
        angle = math.radians(step * 18)
        dx, dy = size * math.cos(angle), size * math.sin(angle)
        b.line([(x - dx, y - dy), (x + dx, y + dy)], STEEL, 0.25)
    b.ring(x, y, size, size, DARK, 1.3)
    b.oval(x, y, 1.3, 1.3, STEEL)


def bike(b: Brush) -> None:
    paint = b.pick(PAINTS)
    _wheel(b, 25, 52, 15)
    _wheel(b, 75, 52, 15)
    b.line([(25, 52), (40, 30), (66, 28), (48, 52), (25, 52)], paint, 1.7)
    b.line([(38, 26), (48, 52)], paint, 1.7)
    b.line([(64, 20), (75, 52)], paint, 1.7)
    b.line([(58, 17), (64, 20), (70, 17)], DARK, 1.6)
    b.bar(32, 23, 44, 26, DARK, 1.4)
    b.ring(48, 52, 4, 4, STEEL, 1)
    b.line([(48, 52), (52, 59), (56, 59)], DARK, 1)


def motorbike(b: Brush) -> None:
    paint = b.pick(PAINTS)
    for x in (24, 76):
        b.oval(x, 54, 13, 13, DARK)
        b.oval(x, 54, 8, 8, STEEL)
        b.oval(x, 54, 2, 2, DARK)
    b.line([(76, 54), (66, 22), (58, 18)], STEEL, 2)
    b.poly([(36, 34), (62, 28), (66, 40), (40, 44)], paint)
    b.bar(14, 32, 42, 38, DARK, 3)
    b.bar(38, 42, 58, 58, (96, 98, 104), 3)
    b.line([(48, 58), (16, 62)], STEEL, 2.4)
    b.oval(70, 28, 4.6, 4.6, (250, 240, 200))
    b.arc(76, 54, 15, 15, 210, 320, paint, 2)


def car(b: Brush) -> None:
    paint = b.pick((*PAINTS, WHITE, STEEL))
    b.poly([(26, 36), (38, 20), (66, 20), (78, 36)], shade(paint, 0.8))
    b.poly([(31, 35), (40, 23), (51, 23), (51, 35)], (176, 204, 216))
    b.poly([(54, 35), (54, 23), (64, 23), (73, 35)], (176, 204, 216))
    b.bar(8, 35, 92, 56, paint, 6)
    b.line([(52, 36), (52, 54)], shade(paint, 0.6), 0.6)
    b.bar(56, 40, 61, 41.6, shade(paint, 0.5), 0.6)
    b.bar(8, 41, 13, 45, (220, 70, 60), 1)
    b.bar(86, 41, 92, 46, (250, 240, 190), 1)
    for x in (26, 74):
        b.oval(x, 57, 9, 9, DARK)
        b.oval(x, 57, 5, 5, STEEL)
        b.oval(x, 57, 1.6, 1.6, DARK)


def phone(b: Brush) -> None:
    case = b.pick((DARK, STEEL, *PAINTS))
    b.bar(52, 10, 80, 66, shade(case, 0.9), 4)
    b.bar(55, 13, 66, 27, shade(case, 0.7), 3)
    for y in (17, 23):
        b.oval(60.5, y, 2.6, 2.6, DARK)
    b.bar(22, 8, 50, 68, DARK, 4)
    b.bar(23.6, 11, 48.4, 65, b.pick(((90, 130, 190), (150, 110, 170), (80, 150, 140))), 2)
    for row in range(4):
        for column in range(3):
            x, y = 26.4 + column * 7.4, 18 + row * 9
            b.bar(x, y, x + 5, y + 5, b.pick((*PAINTS, WHITE, GOLD)), 1.2)
    b.bar(33, 9, 39, 10, STEEL, 0.5)


def laptop(b: Brush) -> None:
    shell = b.pick((STEEL, (96, 98, 104), (196, 198, 202)))
    b.bar(24, 12, 76, 48, shell, 2)
    b.bar(26, 14, 74, 46, (40, 60, 90), 1)
    b.poly([(26, 46), (26, 30), (44, 24), (60, 38), (74, 28), (74, 46)], b.pick(PAINTS))
    b.poly([(24, 48), (76, 48), (88, 64), (12, 64)], shade(shell, 1.05))
    for row in range(4):
        y, half = 50.5 + row * 2.3, 25 + row * 1.8
        for step in range(13):
            x = 50 - half + step * half / 6.3
            b.bar(x, y, x + half / 8.6, y + 1.6, DARK, 0.3)
    b.poly([(43, 60), (57, 60), (58, 63.4), (42, 63.4)], shade(shell, 0.8))
    b.bar(12, 64, 88, 66, shade(shell, 0.7), 1)


def tv(b: Brush) -> None:
    b.bar(8, 10, 92, 60, DARK, 1.5)
    b.bar(10, 12, 90, 57, (60, 110, 160))
    b.oval(70, 24, 6, 6, (250, 226, 150))
    b.poly([(10, 57), (10, 44), (32, 28), (52, 46), (66, 36), (90, 52), (90, 57)], b.pick(PAINTS))
    b.line([(34, 60), (28, 68)], STEEL, 1.6)
    b.line([(66, 60), (72, 68)], STEEL, 1.6)


def camera(b: Brush) -> None:
    b.bar(40, 16, 60, 30, (70, 72, 78), 2)
    b.bar(16, 24, 84, 62, DARK, 4)
    b.bar(16, 24, 84, 31, b.pick((STEEL, (64, 66, 72))), 3)
    b.bar(22, 19, 32, 25, STEEL, 1)
    b.oval(50, 45, 17, 17, (84, 86, 92))
    b.oval(50, 45, 13.5, 13.5, (30, 32, 38))
    b.oval(50, 45, 9.5, 9.5, (62, 74, 120))
    b.oval(46, 41, 3, 3, (176, 190, 230))
    b.bar(70, 18, 78, 24, b.pick(PAINTS), 1)


def console(b: Brush) -> None:
    tone = b.pick((WHITE, DARK, (60, 70, 110)))
    b.bar(24, 8, 70, 26, shade(tone, 0.9), 3)
    b.line([(28, 17), (66, 17)], (70, 130, 220), 0.8)
    b.oval(24, 52, 12, 14, tone)
    b.oval(76, 52, 12, 14, tone)
    b.bar(20, 36, 80, 56, tone, 9)
    b.bar(24, 43, 34, 46, STEEL)
    b.bar(27.5, 39.5, 30.5, 49.5, STEEL)
    for x, y, colour in ((72, 40, PAINTS[0]), (76, 44, PAINTS[1]), (68, 44, PAINTS[2]), (72, 48, PAINTS[3])):
        b.oval(x, y, 1.9, 1.9, colour)
    for x in (41, 59):
        b.oval(x, 52, 5, 5, (70, 72, 80))
        b.oval(x, 51, 3.4, 3.4, (110, 112, 120))


def watch(b: Brush) -> None:
    strap, dial = b.pick((*WOODS, DARK, STEEL)), b.pick((WHITE, CREAM, (36, 50, 80)))
    b.poly([(42, 2), (58, 2), (60, 22), (40, 22)], strap)
    b.poly([(40, 54), (60, 54), (58, 73), (42, 73)], strap)
    b.oval(50, 38, 21, 21, b.pick((GOLD, STEEL)))
    b.bar(70, 36, 74, 40, STEEL, 1)
    b.oval(50, 38, 17, 17, dial)
    for step in range(12):
        angle = math.radians(step * 30)
        b.oval(50 + 14.4 * math.cos(angle), 38 + 14.4 * math.sin(angle), 0.9, 0.9, GOLD)
    b.line([(50, 38), (50 + b.random.uniform(-7, 7), 29)], (130, 132, 140), 1.2)
    b.line([(50, 38), (61, 38 + b.random.uniform(-6, 6))], (130, 132, 140), 0.9)


def headphones(b: Brush) -> None:
    tone = b.pick((DARK, STEEL))
    b.arc(50, 40, 25, 30, 180, 360, tone, 3)
    for side in (-1, 1):
        b.bar(50 + side * 24 - 6, 38, 50 + side * 24 + 6, 64, shade(tone, 1.2), 5)
        b.bar(50 + side * 19 - 2.4, 40, 50 + side * 19 + 2.4, 62, (28, 28, 32), 2)


def radio(b: Brush) -> None:
    case = b.pick((*PAINTS, *WOODS))
    b.arc(50, 24, 26, 14, 180, 360, DARK, 1.8)
    b.bar(14, 22, 86, 66, case, 4)
    b.oval(34, 46, 15, 15, CREAM)
    for step in range(7):
        b.line([(22, 37 + step * 3), (46, 37 + step * 3)], shade(CREAM, 0.6), 0.6)
    b.bar(54, 30, 80, 42, CREAM, 1)
    b.line([(68, 31), (68, 41)], (190, 50, 40), 0.8)
    for x in (60, 74):
        b.oval(x, 54, 4.6, 4.6, GOLD)


def records(b: Brush) -> None:
    for step in range(4):
        b.bar(16 + step * 4, 12 + step * 2, 56 + step * 4, 56 + step * 2, b.pick(PAINTS))
    b.oval(62, 44, 24, 24, (30, 30, 34))
    for radius in (21, 18, 15, 12):
        b.ring(62, 44, radius, radius, (58, 58, 64), 0.3)
    b.oval(62, 44, 8, 8, b.pick(PAINTS))
    b.oval(62, 44, 1, 1, WHITE)


def guitar(b: Brush) -> None:
    wood = b.pick((*WOODS, PAINTS[0], PAINTS[3]))
    b.oval(36, 50, 17, 16, wood)
    b.oval(50, 38, 11, 11, wood)
    b.line([(44, 44), (82, 13)], shade(WOODS[1], 0.7), 3)
    b.poly([(80, 11), (88, 4), (92, 9), (85, 16)], DARK)
    b.oval(43, 45, 5, 5, (40, 26, 18))
    b.line([(28, 52), (36, 61)], (40, 26, 18), 1.8)
    for shift in (-0.8, 0, 0.8):
        b.line([(32 + shift, 56 + shift), (86 + shift, 10 + shift)], CREAM, 0.2)


def accordion(b: Brush) -> None:
    paint = b.pick((PAINTS[0], PAINTS[2], DARK))
    b.bar(14, 18, 30, 64, paint, 2)
    b.bar(70, 18, 86, 64, paint, 2)
    for step in range(10):
        b.bar(30 + step * 4, 20, 34 + step * 4, 62, (60, 40, 44) if step % 2 else (150, 60, 60))
    for row in range(8):
        b.oval(75, 23 + row * 5, 1.5, 1.5, WHITE)
        b.oval(81, 24 + row * 5, 1.5, 1.5, WHITE)
        b.oval(22, 23 + row * 5, 1.3, 1.3, GOLD)


def drill(b: Brush) -> None:
    body = b.pick(PAINTS)
    b.bar(24, 18, 62, 36, body, 5)
    b.poly([(30, 34), (44, 34), (40, 62), (26, 62)], shade(body, 0.8))
    b.bar(22, 60, 44, 69, DARK, 2)
    b.poly([(62, 20), (70, 23), (70, 31), (62, 34)], DARK)
    b.line([(70, 27), (92, 27)], STEEL, 1.4)
    b.bar(43, 37, 46, 44, DARK, 1)
    for x in (50, 53, 56):
        b.line([(x, 22), (x, 32)], shade(body, 0.6), 0.8)


def saw(b: Brush) -> None:
    body = b.pick(PAINTS)
    b.oval(44, 46, 19, 19, STEEL)
    for step in range(24):
        angle = math.radians(step * 15)
        x, y = 44 + 19 * math.cos(angle), 46 + 19 * math.sin(angle)
        b.oval(x, y, 1.2, 1.2, shade(STEEL, 0.8))
    b.arc(44, 46, 20, 20, 170, 360, body, 10)
    b.bar(50, 20, 84, 32, body, 5)
    b.bar(60, 24, 76, 28, shade(body, 0.4), 2)
    b.bar(14, 52, 86, 56, DARK)
    b.oval(44, 46, 3, 3, DARK)


def toolbox(b: Brush) -> None:
    body = b.pick(PAINTS)
    b.bar(36, 14, 64, 18, DARK, 2)
    b.bar(16, 18, 84, 40, body, 2)
    for row in range(2):
        for step in range(9):
            b.oval(22 + step * 7, 24 + row * 9, 2.6 - row * 0.6, 2.6 - row * 0.6, STEEL)
            b.oval(22 + step * 7, 24 + row * 9, 1, 1, DARK)
    b.bar(12, 40, 88, 66, shade(body, 0.8), 2)
    b.line([(20, 60), (66, 48)], STEEL, 2)
    b.oval(69, 47, 4, 4, STEEL)
    b.oval(70, 46.6, 1.8, 1.8, DARK)


def generator(b: Brush) -> None:
    body = b.pick(PAINTS)
    b.ring(50, 40, 38, 26, DARK, 2)
    b.bar(20, 18, 70, 32, body, 4)
    b.bar(22, 34, 52, 60, (80, 82, 88), 2)
    b.bar(54, 34, 78, 60, shade(body, 0.6), 2)
    for y in (38, 43, 48, 53):
        b.line([(25, y), (49, y)], STEEL, 1)
    for y in (40, 50):
        b.oval(62, y, 3.4, 3.4, WHITE)
        b.oval(71, y, 3.4, 3.4, DARK)
    b.bar(16, 60, 84, 64, DARK)


def ladder(b: Brush) -> None:
    for x in (38, 58):
        b.line([(x, 70), (x + 6, 4)], STEEL, 2)
    for step in range(9):
        y = 65 - step * 7
        shift = (70 - y) / 11
        b.line([(38 + shift, y), (58 + shift, y)], shade(STEEL, 0.8), 1.5)


def mower(b: Brush) -> None:
    paint = b.pick(PAINTS)
    b.line([(34, 46), (12, 14), (20, 10)], DARK, 2)
    b.poly([(26, 44), (78, 40), (84, 58), (22, 60)], paint)
    b.bar(44, 28, 66, 44, DARK, 3)
    b.bar(48, 24, 62, 29, STEEL, 1)
    for x in (30, 76):
        b.oval(x, 60, 7, 7, DARK)
        b.oval(x, 60, 3, 3, STEEL)
    for step in range(30):
        b.line([(8 + step * 2.9, 70), (8.6 + step * 2.9, 66 + step % 3)], (90, 150, 80), 0.6)


def tent(b: Brush) -> None:
    cloth = b.pick(PAINTS)
    b.poly([(44, 14), (92, 60), (60, 66)], shade(cloth, 0.7))
    b.poly([(44, 14), (10, 64), (60, 66)], cloth)
    b.poly([(42, 26), (28, 65), (50, 66)], (50, 48, 46))
    b.poly([(42, 26), (50, 66), (56, 64)], shade(cloth, 1.2))
    b.line([(44, 14), (4, 68)], CREAM, 0.3)
    b.line([(88, 56), (96, 66)], CREAM, 0.4)


MACHINES: dict[str, Figure] = {
    figure.__name__: figure
    for figure in (
        bike, motorbike, car, phone, laptop, tv, camera, console, watch, headphones, radio, records, guitar, accordion,
        drill, saw, toolbox, generator, ladder, mower, tent,
    )
}  # fmt: skip
