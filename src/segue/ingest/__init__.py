"""Files into tracks: walk, tags, identity. What is wrong with a file is a finding, and the scan goes on."""

from segue.ingest._scan import Publish, Scanner
from segue.ingest._watch import Watcher
from segue.ingest._write import Touched

__all__ = ["Publish", "Scanner", "Touched", "Watcher"]
