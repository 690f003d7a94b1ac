"""The migrations make the tables of the models. Other tests have theirs made from the models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, CreateModel

pytestmark = pytest.mark.django_db
OURS = ("annotations_", "generation_", "analysis_", "operation_")
LOOKS = {
    "sqlite": [
        'SELECT name, type, "notnull" FROM pragma_table_info(%s)',
        "SELECT 'index', \"unique\", partial FROM pragma_index_list(%s)",
    ],
    "postgresql": [
        "SELECT column_name, data_type, character_maximum_length, is_nullable "
        "FROM information_schema.columns WHERE table_name = %s",
        "SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass",
    ],
}


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    """Another database of the same server, whose tables the migrations have made."""
    is_server = connection.vendor == "postgresql"
    name = f"{connection.settings_dict['NAME']}_migrated" if is_server else tmp_path / "db.sqlite3"
    if is_server:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}"')
    server = urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
    migrate(server if is_server else f"sqlite:///{name}")
    other = connection.copy()
    other.settings_dict["NAME"] = name
    other.settings_dict["OPTIONS"].pop("pool", None)
    yield other
    other.close()
    if is_server:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}"')


def migrate(address: str) -> None:
    """In another process, whose migrations are not switched off."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": address},
        check=True,
        timeout=240,
    )


def described(made: BaseDatabaseWrapper) -> dict[str, list[tuple[Any, ...]]]:
    """Columns and constraints of our tables, without names, which may be earlier ones."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with made.cursor() as cursor:
        for table in made.introspection.table_names(cursor):
            if not table.startswith(OURS):
                continue
            found[table] = []
            for look in LOOKS[made.vendor]:
                cursor.execute(look, [table])
                found[table] += sorted(cursor.fetchall(), key=str)
    return found


def test_the_migrations_make_the_tables_of_the_models(migrated):
    made, modelled = described(migrated), described(connection)
    assert made.keys() == modelled.keys()
    for table, columns in made.items():
        assert columns == modelled[table], table


# What 0.1.0 had; a version before it is not kept running beside a newer one.
RELEASED = {"annotations": "0012", "generation": "0005", "analysis": "0007"}


def test_a_version_that_still_runs_can_write_rows_of_the_next_ones_tables(settings):
    """While hosts are updated one by one, the old version leaves new columns out of its INSERTs."""
    settings.MIGRATION_MODULES = {}
    added = list(columns_added_since_release())
    assert len(added) > 8
    without = [str(field) for field in added if not field.null and not field.has_db_default()]
    assert without == []


def columns_added_since_release() -> Iterator[Any]:
    """The fields, as they are now, that were added to tables that were there before."""
    migrations = MigrationLoader(None).disk_migrations
    for (app, name), migration in migrations.items():
        if app not in RELEASED or name <= RELEASED[app] + "~":
            continue
        new = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
        for one in migration.operations:
            if isinstance(one, AddField) and one.model_name_lower not in new:
                field = apps.get_model(app, one.model_name)._meta.get_field(one.name)
                if not field.many_to_many:
                    yield field
