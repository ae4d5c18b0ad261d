"""What was heard, kept by the server: results by the hash of the audio, and which tracks are still due. No worker imports this."""

from segue.analyse.kept._backlog import Backlog, Counts, Due, Task
from segue.analyse.kept._carry import export_sounds, import_sounds
from segue.analyse.kept._sounds import Sound, Sounds

__all__ = ["Backlog", "Counts", "Due", "Sound", "Sounds", "Task", "export_sounds", "import_sounds"]
