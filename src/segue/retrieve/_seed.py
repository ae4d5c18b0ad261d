"""Randomness of a query: the same listener, question and past draw the same numbers, whatever else the server did."""

import hashlib

from segue.model import Query


def seed_of(query: Query, *past: object) -> int:
    """0 .. 2**63 - 1, from who asks, what they ask and ``past``. Not from the moment."""
    told = (query.user_id, query.n, query.seeds, query.queue, query.skipped, query.exclude, query.session_id, query.discovery, past)
    return int.from_bytes(hashlib.blake2b(repr(told).encode(), digest_size=8).digest()) >> 1
