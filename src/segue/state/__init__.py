"""Folds of the event log: plays, stars, ratings, counts, what is hidden; and the slates that were answered.

A fold is a function of the *set* of events (and, for listens, of the tracks' durations): any order of arrival, any repetition, and a
rebuild from nothing give the same rows. Registers keep the latest ``(at, event_id)``; everything else is a minimum, a maximum or is
counted from rows that are. See ``docs/events.md``.
"""

from segue.state._external import external_id
from segue.state._history import HourLeaning, ListenerHistory, ToldPlay
from segue.state._past import Numbers, Past, Window, window
from segue.state._plays import Playing, PlayRow, playings
from segue.state._project import Projections
from segue.state._slates import Slates
from segue.state._upkeep import Upkeep

__all__ = [
    "HourLeaning",
    "ListenerHistory",
    "Numbers",
    "Past",
    "PlayRow",
    "Playing",
    "Projections",
    "Slates",
    "ToldPlay",
    "Upkeep",
    "Window",
    "external_id",
    "playings",
    "window",
]
