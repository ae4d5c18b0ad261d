"""Trace -> reasons a listener can read. Nothing is said that the evidence, the log or the tags do not bear out."""

from segue.explain._reasons import explain

__all__ = ["explain"]
