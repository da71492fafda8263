"""Alembic's entry: uses the connection (and transaction) that `wgp_core.store.migrate` opened."""

from alembic import context

from wgp_core.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata,
                  render_as_batch=True)
context.run_migrations()
