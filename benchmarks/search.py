"""Search over synthetic titles: one JSON line a figure.

    python benchmarks/search.py [--titles N] [--rounds N]

Words have Zipf frequencies, from 50,000. ``exact`` asks for two words of a title, ``prefix`` cuts the last short, ``typo`` swaps two
letters of a word. The peer, in the same run, is SQLite FTS5 with trigrams over the same titles (which finds a typo by the trigrams that are
left, OR-ed). Aims at 1,000,000 titles: p99 < 20 ms, with a typo < 50 ms.
"""

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import tantivy

from segue.library._search import Search, _document
from segue.store import DataDir, open_store
from segue.types import LibraryId


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "search", "what": what, **figures}), flush=True)


def titles_of(n: int, chance: random.Random) -> list[str]:
    vocabulary = [
        "".join(chance.choice("bcdfglmnprst") + chance.choice("aeiou") for _ in range(chance.randint(2, 4))) for _ in range(50_000)
    ]
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(vocabulary))))
    return [" ".join(chance.choices(vocabulary, cum_weights=weights, k=chance.randint(1, 5))) for _ in range(n)]


def measured(work: Callable[[str], object], asked: list[str]) -> dict[str, float]:
    spans = []
    for text in asked:
        began = time.perf_counter()
        work(text)
        spans.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}


def swapped(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--titles", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=200)
    asked = options.parse_args()
    chance = random.Random(1)
    titles = titles_of(asked.titles, chance)
    with tempfile.TemporaryDirectory() as work, DataDir(Path(work) / "data") as data:
        search = Search(data.search, open_store(data))
        search.rebuild()
        began = time.perf_counter()
        for number, title in enumerate(titles):
            search._writer.add_document(tantivy.Document(**_document(f"{number:022}", "track", [1], title, "", "")))
        search._writer.commit()
        search._index.reload()
        say("index", titles=asked.titles, per_s=round(asked.titles / (time.perf_counter() - began)))
        peer = sqlite3.connect(f"{work}/fts.db")
        peer.execute("CREATE VIRTUAL TABLE t USING fts5(title, tokenize='trigram')")
        peer.executemany("INSERT INTO t VALUES (?)", ((title,) for title in titles))
        peer.commit()

        def ours(text: str) -> object:
            found = search._hits(search._index.searcher(), search._words_query(text.split(), text), "track", [LibraryId(1)], 0, 20)
            return list(found)

        def theirs(text: str) -> object:
            words = " AND ".join(f'"{word}"' for word in text.split() if len(word) > 2) or '"xyz"'
            return peer.execute("SELECT title FROM t WHERE t MATCH ? ORDER BY rank LIMIT 20", (words,)).fetchall()

        def theirs_typo(text: str) -> object:
            grams = " OR ".join(f'"{text[i : i + 3]}"' for i in range(len(text) - 2))
            return peer.execute("SELECT title FROM t WHERE t MATCH ? ORDER BY rank LIMIT 20", (grams,)).fetchall()

        pairs = [title.split()[:2] for title in chance.sample(titles, asked.rounds)]
        exact = [" ".join(pair) for pair in pairs]
        prefix = [text[: max(3, len(text) - 2)] for text in exact]
        typo = [swapped(max(pair, key=len), chance) for pair in pairs]
        for name, texts, other in (("exact", exact, theirs), ("prefix", prefix, theirs), ("typo", typo, theirs_typo)):
            say(name, titles=asked.titles, **measured(ours, texts))
            say(f"peer_fts5_trigram_{name}", titles=asked.titles, **measured(other, texts[:40]))
        search.close()


if __name__ == "__main__":
    main()
