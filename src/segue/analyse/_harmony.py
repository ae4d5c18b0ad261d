"""Chroma -> key, mode and how sure of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.analyse._spectra import Spectra

Doubles = NDArray[np.float64]

# How often each step above the tonic is heard in pieces of the common practice (Albrecht and Shanahan 2013), and how well it fits as
# rated by listeners (Krumhansl and Kessler 1982).
_HEARD = (
    (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
)
_RATED = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


@dataclass(frozen=True)
class Key:
    """``tonic`` 0 = C. ``major`` 0..1: how far the best major key fits better than the best minor key with it, .5 undecided."""

    tonic: int
    mode: int
    confidence: float
    mode_confidence: float
    major: float
    profile: Doubles
    """(12,) mean strength of pitch classes, sum 1."""


def key(spectra: Spectra) -> Key:
    """The key whose profile the pitch classes resemble most (Krumhansl and Schmuckler), over all 24."""
    chroma = spectra.chroma.astype(np.float64)
    sums = chroma.sum(axis=1, keepdims=True)
    loud = sums[:, 0] > 0.1 * max(float(sums.max(initial=0)), 1e-9)
    # A frame counts by the square root of its strength: a loud passage does not drown the rest.
    profile = (chroma[loud] / np.sqrt(sums[loud])).sum(axis=0) if loud.any() else np.zeros(12)
    if profile.sum() <= 1e-9 or profile.std() <= 1e-9:
        return Key(0, 1, 0.0, 0.0, 0.5, np.full(12, 1 / 12))
    profile = profile / profile.sum()
    fits = _PROFILES @ ((profile - profile.mean()) / profile.std()) / 12
    best = int(np.argmax(fits))
    tonic, mode = best % 12, 1 - best // 12
    others = np.delete(fits, best)
    lead = float(fits[best] - others.max())
    parallel = float(fits[best] - fits[(best + 12) % 24])
    sure = float(np.clip((fits[best] - 0.3) / 0.4, 0, 1))
    contrast = float(np.clip(profile.std() * 12 / 0.25, 0, 1)) * float(np.clip(spectra.tonal.mean() / 0.2, 0, 1))
    confidence = contrast * sure * float(np.clip(0.2 + lead / 0.35, 0, 1))
    major = float(1 / (1 + np.exp(-(fits[:12].max() - fits[12:].max()) / 0.1)))
    return Key(tonic, mode, confidence, contrast * sure * float(np.clip(0.25 + min(parallel, 2 * lead) / 0.3, 0, 1)), major, profile)


def _profiles() -> Doubles:
    """(24, 12): major keys, then minor, each of mean 0 and deviation 1."""
    rows = []
    for mode in (0, 1):
        shape = sum(((p - p.mean()) / p.std() for p in (np.array(_HEARD[mode]), np.array(_RATED[mode]))), np.zeros(12))
        rows += [np.roll((shape - shape.mean()) / shape.std(), tonic) for tonic in range(12)]
    return np.array(rows)


_PROFILES = _profiles()
