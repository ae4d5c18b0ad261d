"""Indexes that databases of an earlier 0001 lack, or hold with other columns.

An index over a table or column that a later revision brings is left to that revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateIndex, DropIndex

from segue.store._schema import metadata

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    connection = op.get_bind()
    there = sa.inspect(connection)
    tables = set(there.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in tables:
            continue
        columns = {column["name"] for column in there.get_columns(table.name)}
        held = {index["name"]: index["column_names"] for index in there.get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            wanted = [column.name for column in index.columns]
            if not columns.issuperset(wanted):
                continue
            if held.get(str(index.name), wanted) != wanted:
                connection.execute(DropIndex(index))
            connection.execute(CreateIndex(index, if_not_exists=True))
