"""The first schema: accounts, libraries, the catalogue, playlists, projections, slates."""

from alembic import op

from segue.store._schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    # Until the first release the schema module is the first revision; from then on this file is frozen to explicit operations.
    metadata.create_all(op.get_bind())
