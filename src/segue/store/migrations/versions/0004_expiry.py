"""Tokens may expire, and an app of the Last.fm protocol may have an address to come back to.

A database made by this Segue has both columns since revision 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    there = sa.inspect(op.get_bind())
    for table, column in (("token", sa.Column("expires_at", sa.Integer)), ("lastfm_app", sa.Column("callback", sa.Text))):
        if column.name not in {held["name"] for held in there.get_columns(table)}:
            op.add_column(table, column)
