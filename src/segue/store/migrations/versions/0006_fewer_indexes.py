"""Indexes that hold only the rows they are asked for: a history brought along writes half as many.

And one for what was first heard when.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateIndex, DropIndex

from segue.store._schema import metadata

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    connection = op.get_bind()
    for table, names in {"annotation": ("liked", "rating", "first"), "play": ("user_last", "last")}.items():
        indexes = {str(index.name): index for index in metadata.tables[table].indexes}
        held = {str(index["name"]) for index in sa.inspect(connection).get_indexes(table)}
        for name in names:
            index = indexes[f"ix_{table}_{name}"]
            if index.name in held:
                connection.execute(DropIndex(index))
            connection.execute(CreateIndex(index))
