"""Runs the stages of a flow: times and counts them, keeps what each removed, and turns a failing source into a degraded answer.

Stages know nothing of it. A flow makes one :class:`Run` an answer, calls its stages through it, and reads timings, removals and
degradations from it at the end.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from segue.model import Removed, StageTiming
from segue.observe import get_logger, metrics

_log = get_logger("flow")
T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")

Observe = Callable[[str, StageTiming], None]
"""Called with (flow, timing) after each stage: cheap, never raises."""


def observe_stage(flow: str, timing: StageTiming) -> None:
    """Feed one stage's time and counts to Prometheus."""
    metrics.stage_s.labels(flow, timing.stage).observe(timing.ms / 1000)
    metrics.stage_items.labels(flow, timing.stage, "in").inc(timing.n_in)
    metrics.stage_items.labels(flow, timing.stage, "out").inc(timing.n_out)


class Run:
    """One passage through a flow. Not shared between threads."""

    def __init__(self, flow: str, *, observe: Observe = observe_stage) -> None:
        self.flow = flow
        self.timings: list[StageTiming] = []
        self.removed: list[Removed] = []
        self.degraded: list[str] = []
        self._observe = observe

    def stage(self, name: str, work: Callable[[Sequence[T]], Sequence[U]], items: Sequence[T]) -> Sequence[U]:
        """``work(items)``, timed and counted. What it raises is a bug, and passes."""
        started = self.clock()
        out = work(items)
        self.timed(name, started, len(items), len(out))
        return out

    def filter(self, name: str, work: Callable[[Sequence[T]], tuple[Sequence[T], Sequence[Removed]]], items: Sequence[T]) -> Sequence[T]:
        """A stage that only removes, and says of each why."""
        started = self.clock()
        kept, removed = work(items)
        self.removed += removed
        self.timed(name, started, len(items), len(kept))
        return kept

    def source(self, name: str, work: Callable[[U], Iterable[T]], query: U) -> Sequence[T]:
        """A stage that may fail: then it gives nothing, ``source:NAME`` is degraded, and the log says why."""
        started = self.clock()
        out: Sequence[T] = ()
        try:
            out = tuple(work(query))
        except Exception:
            self.degrade(f"source:{name}")
            _log.exception("source_failed", flow=self.flow, source=name)
        self.timed(f"retrieve:{name}", started, 0, len(out))
        return out

    def attempt(self, what: str, work: Callable[[], V], otherwise: V) -> V:
        """Something this answer can do without: on failure ``otherwise``, ``what`` degraded, and a line in the log."""
        try:
            return work()
        except Exception:
            self.degrade(what)
            _log.exception("degraded", flow=self.flow, what=what)
            return otherwise

    def degrade(self, what: str) -> None:
        """Note that the answer lacks something it should have had."""
        if what not in self.degraded:
            self.degraded.append(what)
            metrics.degraded.labels(what).inc()

    @staticmethod
    def clock() -> float:
        """Seconds, for :meth:`timed`."""
        return time.perf_counter()

    def timed(self, stage: str, started: float, n_in: int, n_out: int) -> None:
        """Keep and observe how long a stage took that began at ``started``."""
        timing = StageTiming(stage=stage, ms=round((time.perf_counter() - started) * 1000, 3), n_in=n_in, n_out=n_out)
        self.timings.append(timing)
        self._observe(self.flow, timing)
