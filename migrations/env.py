"""Migration environment: one transaction a migration, on SQLite with foreign keys off while tables are copied."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection

from training_app.db import db


def _options() -> dict[str, object]:
    return {
        "target_metadata": db.metadata,
        "compare_type": True,
        "render_as_batch": True,
        "user_module_prefix": "training_app.db.",
        "transaction_per_migration": True,
    }


def run_offline() -> None:
    """Write the SQL instead of running it."""
    url = db.engine.url.render_as_string(hide_password=False).replace("%", "%%")
    context.configure(url=url, literal_binds=True, **_options())
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run the migrations on the application's database."""
    with db.engine.connect() as connection:
        _foreign_keys(connection, on=False)
        context.configure(connection=connection.execution_options(write=True), **_options())
        with context.begin_transaction():
            context.run_migrations()
        _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    """SQLite ignores this pragma inside a transaction, so it is set on the raw connection before one begins."""
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


assert current_app
if context.is_offline_mode():
    run_offline()
else:
    run_online()
