"""Alembic's entry: migrations run inside the server, over the connection it gives."""

from alembic import context

from segue.store._schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
