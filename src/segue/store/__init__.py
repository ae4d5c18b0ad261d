"""Where things are kept: the schema, the connection, the transaction, the migrations, the one owner.

``Store.read()`` and ``Store.write(urgent=…)`` are the only ways to the library database.
"""

import sqlalchemy as sa

from segue.datadir import DataDir
from segue.errors import Unavailable
from segue.store import _schema as schema
from segue.store._database import FULL_DISK, Database, is_full
from segue.store._migrate import migrate

__all__ = ["DataDir", "Database", "migrate", "open_store", "schema"]


def open_store(data: DataDir) -> Database:
    """The library database of an owned data directory, migrated to the newest schema (with a backup before, if it changes).

    Raises :class:`~segue.errors.Unavailable` when the disk is full.
    """
    try:
        migrate(data)
        return Database(data.database)
    except sa.exc.OperationalError as error:
        if is_full(error, data.database):
            raise Unavailable(FULL_DISK) from error
        raise
