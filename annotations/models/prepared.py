"""Queries whose SQL is compiled once, for the few that every answer of a rater costs.

Django compiles a queryset to SQL at each use, which takes longer than most of ours run. A
`Prepared` keeps what the compiler made of a queryset with open places (`given`), and runs it with
values. The queryset says what is read, as everywhere; nothing is written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")


class Given(Expression):
    """The place of a value in a prepared query."""

    def __init__(self, name: str, field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any
    ) -> tuple[str, list[Any]]:
        return "%s", [self]

    def of(self, values: dict[str, Any]) -> Any:
        """The value as the database takes it."""
        field = self.output_field
        return field.get_db_prep_value(field.get_prep_value(values[self.name]), connection)


def given_id(name: str) -> Given:
    return Given(name, models.BigIntegerField())


def given_text(name: str) -> Given:
    return Given(name, models.TextField())


def given_uuid(name: str) -> Given:
    return Given(name, models.UUIDField())


def given_moment(name: str) -> Given:
    return Given(name, models.DateTimeField())


class Prepared(Generic[Row]):
    """A queryset with open places, of models or of `values_list`.

    `on_postgres` is added to the SQL there, for a lock that Django has no words for.
    """

    def __init__(
        self, build: Callable[[], models.QuerySet[Any, Row]], *, on_postgres: str = ""
    ) -> None:
        self.build, self.on_postgres = build, on_postgres
        self.compiled: dict[str, _Compiled] = {}

    def all(self, **values: Any) -> list[Row]:
        if connection.vendor not in self.compiled:
            added = self.on_postgres if connection.vendor == "postgresql" else ""
            self.compiled[connection.vendor] = _Compiled(self.build(), added)
        return self.compiled[connection.vendor].run(values)

    def first(self, **values: Any) -> Row | None:
        """Of a queryset that is cut to one row, or finds one at most."""
        return next(iter(self.all(**values)), None)


class _Compiled:
    """What the compiler made of a queryset for one kind of database."""

    def __init__(self, queryset: models.QuerySet[Any, Any], added: str) -> None:
        self.query = queryset.query
        compiler: Any = self.query.get_compiler(using=queryset.db)
        sql, self.params = compiler.as_sql()
        self.sql = f"{sql} {added}"
        columns = compiler.select[: compiler.col_count]
        self.converters = list(compiler.get_converters([one[0] for one in columns]).items())
        self.is_of_models = queryset._iterable_class is ModelIterable
        if self.is_of_models:
            chosen = compiler.klass_info["select_fields"]
            self.model, self.own = compiler.klass_info["model"], slice(chosen[0], chosen[-1] + 1)
            self.names = [one[0].target.attname for one in columns[self.own]]
            self.related = get_related_populators(  # type: ignore[call-arg]
                compiler.klass_info, compiler.select, queryset.db
            )

    def run(self, values: dict[str, Any]) -> list[Any]:
        if self.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("Rows are locked within a transaction.")
        params = [one.of(values) if isinstance(one, Given) else one for one in self.params]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        return [self._made_of(self._converted(row)) for row in rows]

    def _converted(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place, (converters, expression) in self.converters:
            for converter in converters:
                values[place] = converter(values[place], expression, connection)
        return values

    def _made_of(self, row: list[Any]) -> Any:
        if not self.is_of_models:
            return row[0] if len(row) == 1 else tuple(row)
        made = self.model.from_db(connection.alias, self.names, row[self.own])
        for populator in self.related:
            populator.populate(row, made)
        return made
