"""Covers: abstract landscapes of a few colours, different for each seed, as PNG made here."""

import struct
import zlib

import numpy as np

EDGE = 480


def cover_png(seed: int, grain: float = 0.012) -> bytes:
    """A square picture of :data:`EDGE` pixels. ``grain`` is film grain's deviation, of 1; none makes a PNG a third of the size."""
    rng = np.random.default_rng([seed, 99])
    y, x = np.mgrid[0:EDGE, 0:EDGE].astype(np.float32) / EDGE
    hue = float(rng.random())
    colours = [
        _colour(hue + shift, saturation, value) for shift, saturation, value in ((0, 0.55, 0.22), (0.06, 0.6, 0.55), (0.5, 0.5, 0.95))
    ]
    sky = (y + 0.15 * np.sin(3 * x + float(rng.random()) * 6))[..., None]
    picture = colours[0] * (1 - sky) + colours[1] * sky
    cx, cy, radius = rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.5), rng.uniform(0.1, 0.22)
    disc = np.clip((radius - np.hypot(x - cx, y - cy)) * EDGE / 2, 0, 1)[..., None]
    picture = picture * (1 - disc) + colours[2] * disc
    for k in range(int(rng.integers(3, 6))):
        height = 0.5 + 0.11 * k + sum(rng.uniform(0.01, 0.06) * np.sin(x * rng.uniform(3, 14) + rng.uniform(0, 6)) for _ in range(3))
        hill = np.clip((y - height) * EDGE / 2, 0, 1)[..., None]
        shade = _colour(hue + 0.03 * k, 0.5, 0.5 - 0.09 * k)
        picture = picture * (1 - hill) + shade * hill
    picture = picture + rng.normal(0, grain, (EDGE, EDGE, 1))
    pixels = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return _png(pixels)


def _colour(hue: float, saturation: float, value: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    return (value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1)).astype(np.float32)


def _png(pixels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]) -> bytes:
    """Portable Network Graphics, 8-bit RGB (ISO 15948, section 11)."""
    height, width, _ = pixels.shape
    raw = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 3)], axis=1).tobytes()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 6)) + chunk(b"IEND", b"")
