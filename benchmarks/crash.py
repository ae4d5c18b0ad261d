"""Kill -9 during appends, a thousand times by default: acknowledged events lost or counted twice, of how many. One JSON line a figure."""

import argparse
import json
import tempfile
from pathlib import Path

from segue.testing.crashes import crash

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        toll = crash(Path(folder) / "events.db", rounds, longest_s=0.1)
    for name in ("lost", "doubled"):
        print(json.dumps({"benchmark": "crash", "figure": name, "value": getattr(toll, name), "rounds": rounds, "of": toll.acknowledged}))
