"""``segue backup`` and ``segue restore``."""

from pathlib import Path

from segue.cli._common import Data, Json, data_dir, do, out, show_json


def backup(target: Path = Path(), *, data: Data = None, json: Json = False) -> None:
    """Write one archive of what cannot be made again: accounts, playlists, the event log, the key of app passwords, the settings.

    Works while the server runs. Music, caches and the search index are not in it. Keep the archive safe: it holds secrets.

    Parameters
    ----------
    target
        A file to write (.tar.gz, or .tar to not compress), or a folder to put a dated .tar.gz in.
    """
    answer = do(data, "backup", {"target": str(target.expanduser().absolute())})
    show_json(answer) if json else out.print(f"Wrote {answer['path']} ({answer['size_bytes'] / 1e6:.1f} MB).")


def restore(archive: Path, *, data: Data = None, json: Json = False) -> None:
    """Put an archive of `segue backup` into the data directory. The server must be stopped.

    What was there before is moved aside into `backups/`, never deleted.

    Parameters
    ----------
    archive
        The .tar.gz or .tar file.
    """
    from segue.keeping import restore_archive

    answer = restore_archive(data_dir(data), archive.expanduser().absolute())
    show_json(answer) if json else out.print(f"Restored {', '.join(answer['files'])}. What was there before is in {answer['previous']}.")
