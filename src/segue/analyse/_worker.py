"""The server's side of an analysis worker."""

from segue.analyse._record import Ask, Heard


class AnalysisWorker:
    def hear(self, ask: Ask) -> Heard:
        return Heard(error=("died", "There is no worker yet."))

    def close(self) -> None: ...
