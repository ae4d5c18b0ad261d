"""Samples -> what a track sounds like: description, fingerprint, embedding. Pure in ``(y, sr)``; run by worker processes, never in the
server, which knows only the records here and the worker's pipe; what it keeps of them is in :mod:`segue.analyse.kept`."""

from segue.analyse._explicit import Explicit, guess_explicit
from segue.analyse._models import Model, broken, in_use, models, shared_folder, speech_model
from segue.analyse._models import add as add_model
from segue.analyse._record import SAMPLE_RATE_HZ, VERSION, Ask, Description, Embedded, Heard, Priority, Section, Value
from segue.analyse._worker import AnalysisWorker

__all__ = [
    "SAMPLE_RATE_HZ",
    "VERSION",
    "AnalysisWorker",
    "Ask",
    "Description",
    "Embedded",
    "Explicit",
    "Heard",
    "Model",
    "Priority",
    "Section",
    "Value",
    "add_model",
    "broken",
    "guess_explicit",
    "in_use",
    "models",
    "shared_folder",
    "speech_model",
]
