"""How a main tier is made: which lists, which row in which, and how many lists a search must probe."""

import math
from typing import TYPE_CHECKING

import faiss
import numpy as np
from numpy.typing import NDArray

from segue.index._codes import BLOCK, Codec, live
from segue.index._mapped import Room
from segue.index._options import Plan
from segue.index._tier import Probes, Tier, spans

if TYPE_CHECKING:
    from segue.index._codes import Codes
    from segue.ports import Ids, Vectors

_MARGIN = 0.007
"""Recall asked of the sample above the floor, for the sample is one."""
_TRAIN_PER_LIST = 48
_ROUNDS = 8
_QUERIES = 192
_BASE = 200_000
_CHECKED = 64


class Refused(Exception):
    """The tier built does not reach the recall asked of it."""


def merge(codec: Codec, main: Tier, ids: "Ids", codes: "Codes", plan: Plan, room: Room) -> Tier:
    """The live rows of ``main`` and the live ones of those given, as a new tier. Raises Refused."""
    codes = codes.copy()
    alive = live(codes)
    ids, codes = ids[alive], codes[alive]
    old = np.flatnonzero(main.alive())
    n = len(old) + len(codes)
    every_id = np.concatenate([main.ids_of(old), ids])
    every = taken(main.codes, old, room.rows(n, codec.dimension))
    every[len(old) :] = codes
    alive = live(every)
    if not alive.all():  # they died meanwhile; not in a mapped tier, where death leaves codes alone
        every_id, every, old = every_id[alive], every[alive], old[alive[: len(old)]]
        n = len(every)
    if n <= plan.flat_rows:
        return flat(codec, every_id, every)
    lists = lists_for(n)
    kinds = [codec.decode(sample(rows, _QUERIES)) for rows in (codes, every[: len(old)]) if len(rows)]  # what is new may be of another kind
    if main.lists > 1 and n <= 2 * main.trained_on and main.lists <= 2 * lists:
        parts = np.concatenate([spans(main.offsets)[old], assign(codec, every[len(old) :], main.centres)])
        measured = main.probes
        now = measured.to_find(plan.measured_k, main.lists)
        if all(recall(codec, every, parts, main.centres, asked, plan.measured_k, now) >= plan.floor + _MARGIN / 2 for asked in kinds):
            try:
                return checked(lay(codec, every_id, every, parts, main.centres, measured, main.trained_on, room), kinds, plan)
            except Refused:
                pass
    centres = train(codec, every, lists)
    parts = assign(codec, every, centres)
    probes = measure(codec, every, parts, centres, kinds, plan)
    return checked(lay(codec, every_id, every, parts, centres, probes, n, room), kinds, plan)


def flat(codec: Codec, ids: "Ids", codes: "Codes") -> Tier:
    order = np.argsort(ids, kind="stable")
    return Tier(codec, ids[order], codes[order], np.array([0, len(ids)]), np.zeros((1, codec.dimension), np.float32))


def lists_for(rows: int) -> int:
    """A power of two near the square root: 1,024 for a million."""
    return int(2 ** max(1, round(math.log2(max(4, rows)) / 2)))


def sample(codes: "Codes", n: int) -> "Codes":
    if len(codes) <= n:
        return codes
    return codes[np.sort(np.random.default_rng(len(codes)).choice(len(codes), n, replace=False))]


def train(codec: Codec, codes: "Codes", lists: int) -> "Vectors":
    """Centres of unit length, by k-means on a sample."""
    points = codec.decode(sample(codes, _TRAIN_PER_LIST * lists))
    means = faiss.Kmeans(codec.dimension, lists, niter=_ROUNDS, spherical=True, seed=1, min_points_per_centroid=1)
    means.train(points)
    centres: Vectors = np.ascontiguousarray(means.centroids, np.float32)
    if not np.isfinite(centres).all():
        raise Refused("the lists have no centres")
    return centres


def assign(codec: Codec, codes: "Codes", centres: "Vectors") -> "NDArray[np.int64]":
    index = faiss.IndexFlatIP(codec.dimension)
    index.add(centres)
    blocks = [index.search(codec.decode(codes[at : at + BLOCK]), 1)[1][:, 0] for at in range(0, len(codes), BLOCK)]
    return np.concatenate(blocks) if blocks else np.empty(0, np.int64)


def lay(
    codec: Codec, ids: "Ids", codes: "Codes", parts: "NDArray[np.int64]", centres: "Vectors", probes: Probes, trained_on: int, room: Room
) -> Tier:
    order = np.argsort(parts.astype(np.uint16 if len(centres) <= 65_536 else np.uint32), kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(parts, minlength=len(centres)))]).astype(np.int64)
    return room.tier(codec, ids[order], taken(codes, order, room.rows(*codes.shape)), offsets, centres, probes, trained_on)


def taken(codes: "Codes", rows: "NDArray[np.int64]", into: "Codes") -> "Codes":
    """``into``, with those rows at its beginning."""
    for at in range(0, len(rows), BLOCK):
        into[at : at + BLOCK][: len(rows) - at] = codes[rows[at : at + BLOCK]]
    return into


def ranks(
    codec: Codec, codes: "Codes", parts: "NDArray[np.int64]", centres: "Vectors", queries: "Vectors", depths: list[int]
) -> "list[NDArray[np.int64]]":
    """For each depth, at each number of lists: how many of the queries' true neighbours lie in that list of theirs, by nearness.

    The neighbours are those among every n-th row, at depths n times smaller.
    """
    step = max(1, len(codes) // _BASE)
    base, home = codec.decode(codes[::step]), parts[::step]
    tops = [max(1, min(len(base), depth // step)) for depth in depths]
    most = max(tops)
    counts = [np.zeros(len(centres), np.int64) for _ in depths]
    for at in range(0, len(queries), 32):
        block = queries[at : at + 32]
        scores = block @ base.T
        nearness = np.argsort(np.argsort(-(block @ centres.T), axis=1), axis=1)
        for row, near in zip(scores, nearness, strict=True):
            best = np.argpartition(row, len(row) - most)[len(row) - most :]
            best = best[np.argsort(-row[best])]
            at_rank = near[home[best]]
            for count, top in zip(counts, tops, strict=True):
                count += np.bincount(at_rank[:top], minlength=len(centres))
    return counts


def recall(codec: Codec, codes: "Codes", parts: "NDArray[np.int64]", centres: "Vectors", queries: "Vectors", k: int, probes: int) -> float:
    count = ranks(codec, codes, parts, centres, queries, [k])[0]
    return float(count[:probes].sum() / max(1, count.sum()))


def measure(codec: Codec, codes: "Codes", parts: "NDArray[np.int64]", centres: "Vectors", asked: "list[Vectors]", plan: Plan) -> Probes:
    """The fewest lists that reach the floor for each kind of query, at depths from an eighth of k to the deepest a filter needs."""
    deepest = min(len(codes) // 4, plan.measured_k * 64)
    depths = sorted({min(deepest, max(1, int(plan.measured_k * 2.0**power))) for power in range(-3, 7)})
    needed = np.ones(len(depths), np.int64)
    for queries in asked:
        for number, count in enumerate(ranks(codec, codes, parts, centres, queries, depths)):
            curve = np.cumsum(count) / max(1, count.sum())
            needed[number] = max(needed[number], int(np.searchsorted(curve, min(1.0, plan.floor + _MARGIN))) + 1)
    needed = np.minimum(np.maximum.accumulate(needed), len(centres))
    return Probes(tuple(depths), tuple(int(n) for n in needed), 1.0, plan.measured_k)


def checked(tier: Tier, kinds: "list[Vectors]", plan: Plan) -> Tier:
    """The tier, after real searches of it held against every row compared; with more lists probed where a kind of query fell short."""
    k = min(plan.measured_k, len(tier))
    asked = [[(query, tier.exact(query, k)[0]) for query in queries[:: max(1, len(queries) // _CHECKED)]] for queries in kinds]
    while True:
        reached = min(
            float(np.mean([len(np.intersect1d(tier.best(query, k, None)[0], right)) / k for query, right in of_kind])) for of_kind in asked
        )
        lists = tier.probes.lists
        tier.probes = Probes(tier.probes.depths, lists, reached, k)
        if reached >= plan.floor:
            return tier
        if min(lists) >= tier.lists:
            raise Refused(f"recall {reached:.4f} of {plan.floor} with every list probed")
        tier.probes = Probes(tier.probes.depths, tuple(min(tier.lists, n + max(1, n // 8)) for n in lists), reached, k)
