"""The tag worker: a program of its own that reads what audio files say of themselves.

It alone imports mutagen, which is under the GNU General Public Licence, version 2 or later; run as a program, it is therefore a work
under that licence as a whole (its own sources are Apache-2.0, which version 3 admits). It imports nothing of ``segue`` and nothing
imports it: the two speak over a pipe (see ``__main__``).
"""
