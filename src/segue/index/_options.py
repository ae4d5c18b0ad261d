"""What can be set when an index is opened. Imports nothing heavy."""

from dataclasses import dataclass, field

FLAT_ROWS = 250_000
FLOOR = 0.98
MEASURED_K = 1_000


@dataclass(frozen=True)
class Plan:
    flat_rows: int = FLAT_ROWS
    """Up to here every row is compared; above, rows lie in lists."""
    floor: float = FLOOR
    """Recall a build must reach at ``measured_k``, or it is refused."""
    measured_k: int = MEASURED_K


@dataclass(frozen=True)
class Options:
    merge_rows: int | None = None
    """Fresh rows at which a merge begins; None: 20,000 to 50,000, by size."""
    plan: Plan = field(default_factory=Plan)
    memory_bytes: int | None = None
    """Above 250,000 rows whose codes take more than this, those in memory have 8 bits a number, and the others stay in the file. None: a
    quarter of the memory that is free."""
