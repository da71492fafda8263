"""Alembic's scripts, run by `wgp_core.store.migrate`; there is no alembic.ini.

To add one: copy the newest file in `versions`, raise its number, write `upgrade`, set `database.SCHEMA_HEAD`.
"""
