"""Trace -> reasons a listener can read. Nothing is said that the evidence, the log or the tags do not bear out."""

from segue.explain._reasons import Habit, explain

__all__ = ["Habit", "explain"]
