"""Bring the library database to the newest schema when the server starts, after keeping a copy of what was."""

import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa

from segue.datadir import DataDir
from segue.errors import ConfigError, Unavailable
from segue.store._schema import metadata

_SCRIPTS = Path(__file__).parent / "migrations"
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it."""
_KEEP = 5
"""Copies kept of databases before a migration: a guess."""


def migrate(data: DataDir) -> str | None:
    """Upgrade ``segue.db``, creating it if absent. Returns the revision it was upgraded to, None when it was the newest already.

    A new database is made from the schema; Alembic, slow to load, is for those that change. Before an existing database changes, a
    consistent copy goes to ``backups/``. All revisions are one transaction. Raises
    :class:`~segue.errors.ConfigError` when the database was written by a newer Segue, :class:`~segue.errors.Unavailable` when a
    revision fails: either way it is left as it is.
    """
    revisions = sorted(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))
    head = revisions[-1]
    # The driver would begin no transaction before a statement that changes the schema; so the engine begins it itself.
    engine = sa.create_engine(f"sqlite:///{data.database}", connect_args={"isolation_level": None})
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            there = sa.inspect(connection).has_table(_VERSION.name)
            current = connection.execute(sa.select(_VERSION.c.version_num)).scalar() if there else None
        if current == head:
            return None
        if current is not None and current not in revisions:
            raise ConfigError(
                f"{data.database} was written by a newer Segue (schema {current}). Upgrade Segue, or restore a copy from {data.backups}."
            )
        try:
            if current is not None:
                _keep_copy(data, current)
            with engine.begin() as connection:
                if current is None:
                    metadata.create_all(connection)
                    _VERSION.create(connection, checkfirst=True)
                    connection.execute(sa.insert(_VERSION).values(version_num=head))
                else:
                    _upgrade(connection)
        except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:
            why = getattr(error, "orig", None) or error
            raise Unavailable(
                f"{data.database} cannot be brought from schema {current or 'none'} to {head}: {why}. It was left as it was."
            ) from error
    finally:
        engine.dispose()
    return head


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _keep_copy(data: DataDir, revision: str) -> None:
    target = data.backups / f"segue-{time.strftime('%Y%m%dT%H%M%S')}-before-{revision}.db"
    part = target.with_name(target.name + ".part")
    source, copy = sqlite3.connect(data.database), sqlite3.connect(part)
    try:
        source.backup(copy)
        copy.close()
        part.rename(target)
    finally:
        copy.close()
        source.close()
        part.unlink(missing_ok=True)
    for old in sorted(data.backups.glob("segue-*-before-*.db"))[:-_KEEP]:
        old.unlink()
