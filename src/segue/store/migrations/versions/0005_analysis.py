"""What tracks sound like: tables for it."""

from alembic import op

from segue.store._schema import metadata

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("analysis", "analysis_correction", "recording", "recording_choice"):
        metadata.tables[name].create(op.get_bind(), checkfirst=True)
