"""Does a clip find what it belongs to? One JSON line a space and question.

    python benchmarks/embedding.py --audio FOLDER [--clips N] [--seconds S] [--skip NAME ...] [--models FOLDER] [--excerpts N ...]

The folder is scanned as a library, for its artists, releases and genres. Of every track, ``--clips`` clips of ``--seconds`` are taken,
evenly spread; each clip in turn asks for its nearest by cosine (over the middle of all clips). Four questions: is the first neighbour of
the same track; is one of the ten nearest of other tracks of the same release; of the same artist; what share of the ten nearest clips of
other artists has a genre in common. Only clips that have something to find ask. ``chance`` is what an order drawn by lot would reach,
``low``..``high`` the 95 % interval from drawing tracks anew 1,000 times. Spaces are beside the statistics of MFCC (20 means and
deviations, each scaled to unit variance), and ``tracks_per_s`` is the price of a clip's worth of the encoder.

Path parts named by ``--skip`` (``speech``, ``podcast``) are no music. Genres that say nothing of the sound (Game, Soundtrack) do not count.
"""

import argparse
import json
import math
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.analyse import _models
from segue.analyse._descriptor import descriptor
from segue.analyse._encoders import OnnxEncoder, excerpts, load
from segue.analyse._mel import spectrogram
from segue.analyse._musicnn import DESCRIBED
from segue.analyse._spectra import spectra
from segue.analyse._window import Window
from segue.play._ffmpeg import executable
from segue.testing.libraries import library_over

RATE = 16_000
NEAREST = 10
NO_SOUND = {"game", "soundtrack", "other", "unknown"}
Array = NDArray[np.float64]


@dataclass
class Clip:
    track: str
    release: str
    artists: frozenset[str]
    genres: frozenset[str]
    y: NDArray[np.float32]
    vectors: dict[str, Array] = field(default_factory=dict)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--audio", type=Path, required=True)
    options.add_argument("--clips", type=int, default=3)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--skip", nargs="*", default=["speech", "podcast"])
    options.add_argument("--models", type=Path, default=Path("data/models"), help="beside the ones make setup fetched")
    options.add_argument("--excerpts", type=int, nargs="*", default=[2, 4, 10], help="of musicnn, in each clip")
    asked = options.parse_args()
    clips = cut(asked.audio, asked.clips, asked.seconds, set(asked.skip))
    tracks = {clip.track for clip in clips}
    artists = {artist for clip in clips for artist in clip.artists}
    say("set", clips=len(clips), tracks=len(tracks), artists=len(artists), genres=len({genre for clip in clips for genre in clip.genres}))
    embed(clips, "mfcc", mfcc)
    for model in _models.models(asked.models):
        if model.name == _models.DESCRIPTOR:
            embed(clips, "descriptor", lambda y: descriptor(spectra([Window(0, y)])))
        elif model.name == "musicnn" and model.path:
            for number in asked.excerpts:
                musicnn(clips, load(model.path, number), f"-{number}" if number != max(asked.excerpts) else "")
        elif model.path:
            encoder = load(model.path)
            embed(clips, model.name, lambda y, encoder=encoder: np.frombuffer(encoder.encode([Window(0, y)]).vector, "<f4"))
    if {"descriptor", "musicnn.dense"} <= clips[0].vectors.keys():
        for clip in clips:
            clip.vectors["musicnn.dense+descriptor"] = np.concatenate(
                [unit(clip.vectors["musicnn.dense"]), 0.4 * unit(clip.vectors["descriptor"])]
            )
    for space in clips[0].vectors:
        ask(clips, space)


def cut(audio: Path, number: int, seconds: float, skip: set[str]) -> list[Clip]:
    """Clips of every track of the folder, as Segue reads its tags."""
    clips = []
    with tempfile.TemporaryDirectory() as data, library_over(audio, Path(data)) as library:
        library.scan()
        for path, track in sorted(library.tracks().items()):
            if skip & {part.casefold() for part in Path(path).parts}:
                continue
            y = decode(audio / path)
            length = min(len(y), round(seconds * RATE))
            if length < 3 * RATE:
                continue
            starts = sorted({round(each) for each in np.linspace(0, len(y) - length, number + 2)[1:-1]})
            genres = frozenset(genre.casefold() for genre in track.genres) - NO_SOUND
            artists = frozenset(credit.artist_id for credit in track.artists)
            clips += [Clip(track.id, track.release_id, artists, genres, y[start : start + length]) for start in starts]
    return clips


def decode(path: Path) -> NDArray[np.float32]:
    command = [executable(), "-v", "error", "-i", path, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def mfcc(y: NDArray[np.float32]) -> Array:
    spec = msgspec.structs.replace(DESCRIBED.input, n_mels=40, frames=8192, log="db")
    mel = spectrogram(y, spec, RATE)
    bands = np.arange(40)
    cosines = np.cos(np.pi / 40 * (bands[None, :] + 0.5) * np.arange(1, 21)[:, None])
    coefficients = mel @ cosines.T
    return np.concatenate([coefficients.mean(axis=0), coefficients.std(axis=0)])


def embed(clips: list[Clip], space: str, of: Callable[[NDArray[np.float32]], Array]) -> None:
    began = time.process_time()
    for clip in clips:
        clip.vectors[space] = of(clip.y)
    say("cost", space=space, cpu_ms_a_clip=round((time.process_time() - began) / len(clips) * 1000, 1))


def musicnn(clips: list[Clip], encoder: OnnxEncoder, suffix: str) -> None:
    """Its layers, each as a space of its own."""
    began = time.process_time()
    for clip in clips:
        chosen = excerpts([clip.y], encoder.described.samples, encoder.most)
        found = [encoder.session.run(["tags", "dense", "channels"], {"mel": encoder.prepare(y)[None]}) for y in chosen]
        tags, dense, channels = (np.mean([each[at][0] for each in found], axis=0, dtype=np.float64) for at in range(3))
        clip.vectors[f"musicnn.tags{suffix}"] = np.log(tags / (1 - tags))
        clip.vectors[f"musicnn.dense{suffix}"] = dense
        clip.vectors[f"musicnn.channels{suffix}"] = channels
    say("cost", space=f"musicnn{suffix}", excerpts=encoder.most, cpu_ms_a_clip=round((time.process_time() - began) / len(clips) * 1000, 1))
    for parts, name in ((("dense", "channels"), "dense+channels"),):
        reduced = [principal(np.array([clip.vectors[f"musicnn.{part}{suffix}"] for clip in clips]), 64) for part in parts]
        for number, clip in enumerate(clips):
            clip.vectors[f"musicnn.{name}{suffix}"] = np.concatenate([unit(part[number]) for part in reduced])


def principal(rows: Array, width: int) -> Array:
    """The first principal components, fitted on these very clips: no labels are seen, but a shipped projection would do a little worse."""
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:width].T


def unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def ask(clips: list[Clip], space: str) -> None:
    rows = np.array([clip.vectors[space] for clip in clips], np.float64)
    rows -= rows.mean(axis=0)
    if space == "mfcc":
        rows /= rows.std(axis=0) + 1e-9
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12
    similar = rows @ rows.T
    n = len(clips)
    same_track = np.array([[a.track == b.track for b in clips] for a in clips])
    same_release = np.array([[a.release == b.release for b in clips] for a in clips])
    same_artist = np.array([[bool(a.artists & b.artists) for b in clips] for a in clips])
    same_genre = np.array([[bool(a.genres & b.genres) for b in clips] for a in clips])
    itself = np.eye(n, dtype=bool)
    questions = {
        "track_first": (same_track, itself, 1),
        "release_in_10": (same_release, same_track, NEAREST),
        "artist_in_10": (same_artist, same_track, NEAREST),
        "genre_share_of_10": (same_genre, same_artist, NEAREST),
    }
    for question, (wanted, left_out, k) in questions.items():
        told: dict[str, list[tuple[float, float]]] = {}
        for number, clip in enumerate(clips):
            allowed = np.flatnonzero(~left_out[number])
            hits = wanted[number, allowed]
            if not hits.any() or (question.startswith("genre") and not clip.genres):
                continue
            near = hits[np.argsort(-similar[number, allowed], kind="stable")[:k]]
            share = question.startswith("genre")
            by_lot = hits.mean() if share else 1 - math.comb(len(hits) - int(hits.sum()), k) / math.comb(len(hits), k)
            told.setdefault(clip.track, []).append((float(near.mean() if share else near.any()), float(by_lot)))
        if not told:
            continue
        by_track = np.array([np.mean(each, axis=0) for each in told.values()])
        drawn = np.random.default_rng(1).integers(0, len(by_track), (1000, len(by_track)))
        low, high = np.percentile(by_track[drawn, 0].mean(axis=1), [2.5, 97.5])
        rate, chance = by_track.mean(axis=0)
        figures = {"rate": rate, "low": low, "high": high, "chance": chance}
        say(question, space=space, **{name: round(float(value), 3) for name, value in figures.items()}, tracks=len(by_track))


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "embedding", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
