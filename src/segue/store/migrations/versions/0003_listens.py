"""Projections of another shape: they are dropped, and made anew from the event log at the next start. What they are made of stays.

Also what a database of an earlier revision lacks: tables, columns that may be empty, indexes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn, CreateIndex

from segue.store._schema import metadata

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    for name in ("play", "annotation", "listen", "tally", "external"):
        metadata.tables[name].drop(connection, checkfirst=True)
    connection.execute(sa.delete(metadata.tables["projection"]))
    metadata.create_all(connection)
    there = sa.inspect(connection)
    for table in metadata.sorted_tables:
        held = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in held:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {definition}')
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index, if_not_exists=True))
