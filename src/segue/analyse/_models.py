"""Where model files lie that are fetched, not shipped."""

import os
import sys
from pathlib import Path


def model_path(name: str) -> Path | None:
    """The file ``name`` beside the virtual environment, or in the folder that ``SEGUE_MODELS`` names; None where it is in neither."""
    folders = [Path(sys.prefix) / "share" / "segue" / "models"]
    if named := os.environ.get("SEGUE_MODELS"):
        folders.append(Path(named))
    return next((folder / name for folder in folders if (folder / name).is_file()), None)
