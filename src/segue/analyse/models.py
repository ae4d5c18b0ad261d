"""Which encoders there are, as the server sees them: no model is loaded by looking."""

from segue.analyse._models import DESCRIPTOR, Broken, Model, add, broken, default, models, speech_model

__all__ = ["DESCRIPTOR", "Broken", "Model", "add", "broken", "default", "dimension_of", "models", "speech_model"]


def dimension_of(model: Model) -> int:
    """Numbers in one of its vectors."""
    if model.dimension is not None:
        return model.dimension
    from segue.analyse._descriptor import DIMENSION

    return DIMENSION
