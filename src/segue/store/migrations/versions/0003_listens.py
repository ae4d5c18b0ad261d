"""Projections of another shape: they are dropped, and made anew from the event log at the next start. What they are made of stays."""

import sqlalchemy as sa
from alembic import op

from segue.store._schema import metadata

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    for name in ("play", "annotation", "listen", "tally", "external"):
        metadata.tables[name].drop(connection, checkfirst=True)
    connection.execute(sa.delete(metadata.tables["projection"]))
    metadata.create_all(connection)
    if "isrc" not in {column["name"] for column in sa.inspect(connection).get_columns("track")}:
        connection.exec_driver_sql("ALTER TABLE track ADD COLUMN isrc TEXT GENERATED ALWAYS AS (json_extract(more, '$.isrc[0]')) VIRTUAL")
        connection.exec_driver_sql("CREATE INDEX ix_track_isrc ON track (isrc)")
