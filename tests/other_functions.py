"""The functions of section 9 of FORMAT.md, in which formulas and momenta of the second readers are written."""

import math

import numpy as np


def exp(x: float) -> float:
    x = max(-700.0, min(700.0, x))
    k = float(np.rint(x * 1.4426950408889634))
    r, s = x - k * 0.6931471805599453, 1.0
    for i in range(14, 0, -1):
        s = s * r / i + 1
    return math.ldexp(s, int(k))


def ln(x: float) -> float:
    m, e = math.frexp(x)
    if m < 0.7071067811865476:
        m, e = 2 * m, e - 1
    y, s = (m - 1) / (m + 1), 0.0
    yy = y * y
    for i in range(21, 0, -2):
        s = s * yy + 1 / i
    return 2 * y * s + e * 0.6931471805599453


def ln1p(e: float) -> float:
    y, s = e / (2 + e), 0.0
    yy = y * y
    for i in range(21, 0, -2):
        s = s * yy + 1 / i
    return 2 * y * s


def asinh(x: float) -> float:
    a = abs(x)
    y = ln(a + math.sqrt(a * a + 1))
    return -y if x < 0 else y


def sin_cos(t: float) -> tuple[float, float]:
    q = float(np.rint(4 * t))
    r, a, b = (4 * t - q) * 1.5707963267948966, 1.0, 1.0
    rr = r * r
    for i in range(18, 1, -2):
        a, b = 1 - a * rr / (i * (i + 1)), 1 - b * rr / (i * (i - 1))
    a = a * r
    return [(a, b), (b, -a), (-a, -b), (-b, a)][int(q) % 4]


def turns(y: float, x: float) -> float:
    a, b = sorted((abs(y), abs(x)))
    t, s = a / b if b else 0.0, 0.0
    for _ in range(2):
        t = t / (1 + math.sqrt(1 + t * t))
    tt = t * t
    for i in range(25, 0, -2):
        s = 1 / i - s * tt
    w = s * t / 1.5707963267948966
    w = 0.25 - w if abs(y) > abs(x) else w
    w = 0.5 - w if x < 0 else w
    return -w if y < 0 else w
