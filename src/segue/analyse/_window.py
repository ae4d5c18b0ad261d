"""A stretch of a track's samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """Mono float32 samples at :data:`~segue.analyse._record.SAMPLE_RATE_HZ`, and where in the file they start (seconds)."""

    start_s: float
    y: NDArray[np.float32]
