"""A stretch of decoded sound."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """``y`` is mono, -1..1, finite; it begins ``start_s`` seconds into the file. Its rate is :data:`~segue.analyse.SAMPLE_RATE_HZ`, but for
    what was asked of :func:`~segue.analyse._decode.decode` at another."""

    start_s: float
    y: NDArray[np.float32]
