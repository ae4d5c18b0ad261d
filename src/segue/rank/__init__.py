"""Candidates -> order: merge, leave out what the moment rules out, score by one named weighting, choose and space."""

from segue.rank._filter import leave_out, merge
from segue.rank._score import THIN, Scored, Signals, Weighting, hour_counts, score
from segue.rank._select import Choice, conflicts, select
from segue.rank._spaced import lawful, offender, spaced

__all__ = [
    "THIN",
    "Choice",
    "Scored",
    "Signals",
    "Weighting",
    "conflicts",
    "hour_counts",
    "lawful",
    "leave_out",
    "merge",
    "offender",
    "score",
    "select",
    "spaced",
]
