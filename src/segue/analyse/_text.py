"""The text tower of an encoder: a listener's words -> one vector in the space of its audio. For worker processes."""

from pathlib import Path
from typing import Any

import numpy as np

from segue.analyse._encoders import first_line, open_session
from segue.analyse._modelfile import ModelFile, TextTower, read
from segue.analyse._record import Embedded
from segue.analyse._tokens import Tokenizer
from segue.errors import BadRequest, MediaFailed

_WHOLE = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


def load_text(path: Path) -> "TextEncoder":
    """The text tower of a model file, tried once. Raises BadRequest when it has none, or one that does not fit its description."""
    file = read(path)
    tower = file.described.text
    if tower is None or file.text is None:
        raise BadRequest(f"{file.described.name} has no text tower.")
    tokenizer = Tokenizer(file.text.tokenizer)
    encoder = TextEncoder(file, tower, tokenizer, open_session(file.text.model))
    try:
        encoder.encode("a quiet piano, then drums")
        encoder.encode("")
        encoder.try_ids([tokenizer.highest] * min(4, tower.tokens_max))
    except MediaFailed as error:
        raise BadRequest(f"{file.text.model} cannot be used: {error}") from error
    return encoder


class TextEncoder:
    def __init__(self, file: ModelFile, tower: TextTower, tokenizer: Tokenizer, session: Any) -> None:
        self.digest = file.digest
        self._name, self._dimension, self._tower = file.described.name, file.described.dimension, tower
        self._tokenizer, self._session = tokenizer, session
        self._fixed, self._types = _check(file, tower, session)
        if len(tokenizer.before) + len(tokenizer.after) >= tower.tokens_max:
            raise BadRequest(f"{file.path} does not fit its description: tokens_max leaves no room for a text.")
        if self._fixed and tokenizer.pad is None:
            raise BadRequest(f"{file.path} does not fit its description: its text is of a fixed length, and no token fills it up.")

    def encode(self, text: str) -> Embedded:
        """A vector of unit length. Raises MediaFailed where the tower makes no numbers of it."""
        ids = self._tokenizer.encode(text, self._tower.tokens_max) or [self._tokenizer.pad or 0]
        return Embedded(vector=self.try_ids(ids).astype("<f4").tobytes())

    def try_ids(self, ids: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The unit vector of some tokens. Raises MediaFailed."""
        tower = self._tower
        filling = tower.tokens_max - len(ids) if self._fixed else 0
        rows = {tower.ids: [*ids, *[self._tokenizer.pad or 0] * filling]}
        if tower.mask is not None:
            rows[tower.mask] = [1] * len(ids) + [0] * filling
        if tower.types is not None:
            rows[tower.types] = [0] * (len(ids) + filling)
        try:
            [found] = self._session.run([tower.output], {name: np.array([row], self._types[name]) for name, row in rows.items()})
        except Exception as error:
            raise MediaFailed(f"the text tower of {self._name} failed: {first_line(error)}") from error
        vector = np.asarray(found, np.float64)
        if vector.shape != (1, self._dimension):
            raise MediaFailed(f"the text tower of {self._name} answers in the shape {vector.shape}, not (1, {self._dimension}).")
        size = float(np.linalg.norm(vector))
        if not 1e-12 < size < 1e30:  # no number fails this as well
            raise MediaFailed(f"the text tower of {self._name} answers with values that are no numbers, or nothing but zeros.")
        unit: np.ndarray[Any, np.dtype[np.float64]] = vector[0] / size
        return unit


def _check(file: ModelFile, tower: TextTower, session: Any) -> tuple[bool, dict[str, Any]]:
    """Whether texts are of a fixed length, and the type of each input."""
    assert file.text is not None
    path = file.text.model

    def refuse(why: str) -> BadRequest:
        return BadRequest(f"{path} does not fit its description: {why}.")

    inputs = {each.name: each for each in session.get_inputs()}
    named = [name for name in (tower.ids, tower.mask, tower.types) if name is not None]
    if sorted(inputs) != sorted(named):
        raise refuse(f"its inputs are {', '.join(sorted(inputs)) or 'none'}, they should be {', '.join(named)}")
    fixed = False
    for name, each in inputs.items():
        if each.type not in _WHOLE:
            raise refuse(f"{name} is {each.type}, not tensor(int64) or tensor(int32)")
        if len(each.shape) != 2 or (isinstance(each.shape[0], int) and each.shape[0] != 1):
            raise refuse(f"{name} is not of one text and its tokens")
        if isinstance(each.shape[1], int):
            fixed = True
            if each.shape[1] != tower.tokens_max:
                raise refuse(f"{name} takes {each.shape[1]} tokens, not {tower.tokens_max}")
    outputs = {each.name: each for each in session.get_outputs()}
    if tower.output not in outputs:
        raise refuse(f"it has no output {tower.output}, only {', '.join(sorted(outputs))}")
    output = outputs[tower.output]
    if output.type != "tensor(float)" or len(output.shape) != 2:
        raise refuse(f"{tower.output} is {output.type} of {len(output.shape)} axes, not tensor(float) of 2")
    if isinstance(output.shape[1], int) and output.shape[1] != file.described.dimension:
        raise refuse(f"{tower.output} has {output.shape[1]} places, not {file.described.dimension}")
    return fixed, {name: _WHOLE[each.type] for name, each in inputs.items()}
