"""Statements whose SQL is compiled once, for the few that every answer of a rater costs.

Django compiles a queryset to SQL at each use, which takes longer than most of ours run. What is
prepared keeps what the compiler made of a queryset with open places (`given`), and runs it with
values. The queryset says what is read or written, as everywhere; nothing is written by hand.

PostgreSQL keeps the plan, too: the values go to it beside the statement, which it prepares after
some uses (`DATABASE_PREPARE_AFTER`). What is always the same stands in the statement itself, or no
plan that is kept could use an index of some rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from django.db import connection, connections, models, transaction
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")


class Given(Expression):
    """The place of a value in a prepared statement."""

    def __init__(self, name: str, field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any
    ) -> tuple[str, list[Any]]:
        return "%s", [self]

    def of(self, values: Mapping[str, Any], database: Any) -> Any:
        """The value as the database takes it."""
        field = self.output_field
        return field.get_db_prep_save(field.get_prep_value(values[self.name]), database)


def given_number(name: str) -> Given:
    return Given(name, models.BigIntegerField())


given_id = given_number


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
        self.compiled: dict[str, _Reading] = {}

    def all(self, **values: Any) -> list[Row]:
        if connection.vendor not in self.compiled:
            added = self.on_postgres if connection.vendor == "postgresql" else ""
            self.compiled[connection.vendor] = _Reading(self.build(), added)
        return self.compiled[connection.vendor].run(values)

    def first(self, **values: Any) -> Row | None:
        """Of a queryset that is cut to one row, or finds one at most."""
        return next(iter(self.all(**values)), None)


class PreparedUpdate:
    """An UPDATE with open places: of the rows of a queryset, to these values."""

    def __init__(
        self, build: Callable[[], models.QuerySet[Any, Any]], to: Callable[[], dict[str, Any]]
    ) -> None:
        self.build, self.to = build, to
        self.compiled: dict[str, _Statement] = {}

    def run(self, **values: Any) -> int:
        """How many rows were changed."""
        if connection.vendor not in self.compiled:
            queryset = self.build()
            query = queryset.query.chain(klass=UpdateQuery)
            query.add_update_values(self.to())  # type: ignore[attr-defined]
            compiler: Any = query.get_compiler(using=queryset.db)
            self.compiled[connection.vendor] = _Statement(*compiler.as_sql())
        with self.compiled[connection.vendor].written(values) as cursor:
            return int(cursor.rowcount)


class PreparedInsert:
    """An INSERT of rows of one model, which get their primary keys."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        self.compiled: dict[tuple[str, int], _Statement] = {}

    def run(self, rows: Sequence[models.Model]) -> None:
        if not rows:
            return
        kind = connection.vendor, len(rows)
        if kind not in self.compiled:
            self.compiled[kind] = self._statement(len(rows))
        values = {
            f"{place}.{field.name}": field.pre_save(row, add=True)
            for place, row in enumerate(rows)
            for field in self.fields
        }
        with self.compiled[kind].written(values) as cursor:
            keys = [key for [key] in cursor.fetchall()]
        for row, key in zip(rows, keys, strict=True):
            row.pk, row._state.adding, row._state.db = key, False, connection.alias

    def _statement(self, rows: int) -> _Statement:
        """As for a single row, with as many rows of places: UNNEST takes columns, not rows."""
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(field.column)) for field in self.fields)
        row = ", ".join(["%s"] * len(self.fields))
        places = [
            Given(f"{place}.{field.name}", field) for place in range(rows) for field in self.fields
        ]
        key = quote(str(self.model._meta.pk.column))
        table = quote(self.model._meta.db_table)
        given = ", ".join([f"({row})"] * rows)
        # Names of the model's alone, quoted.
        sql = f"INSERT INTO {table} ({columns}) VALUES {given} RETURNING {key}"  # noqa: S608
        return _Statement(sql, places)


class _Statement:
    """SQL for one kind of database, with places and with values that are always the same."""

    def __init__(self, sql: str, params: Sequence[Any]) -> None:
        self.sql, self.params = sql, list(params)
        if connection.vendor == "postgresql":
            self.sql, self.params = _with_constants(sql, self.params)

    @contextmanager
    def executed(self, values: Mapping[str, Any]) -> Iterator[Any]:
        database = connections[connection.alias]
        params = [
            one.of(values, database) if isinstance(one, Given) else one for one in self.params
        ]
        with _cursor(database) as cursor:
            cursor.execute(self.sql, params)
            yield cursor

    @contextmanager
    def written(self, values: Mapping[str, Any]) -> Iterator[Any]:
        """The same; an error ends the transaction on every database, as Django has it."""
        marked = transaction.mark_for_rollback_on_error(using=connection.alias)
        with marked, self.executed(values) as cursor:
            yield cursor


def _with_constants(sql: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
    """The same statement, with all that is no place written into it as PostgreSQL reads it."""
    from psycopg import sql as words

    connection.ensure_connection()
    texts = sql.split("%s")
    found, places = [texts[0]], []
    for param, text in zip(params, texts[1:], strict=True):
        if isinstance(param, Given):
            places.append(param)
            found.append("%s")
        else:
            found.append(words.Literal(param).as_string(connection.connection).replace("%", "%%"))
        found.append(text)
    return "".join(found), places


def _cursor(database: Any) -> Any:
    """Django's own, but that PostgreSQL gets the values beside the statement.

    Where statements are logged Django asks its own cursor for them, values and all.
    """
    if database.vendor != "postgresql" or database.queries_logged:
        return database.cursor()
    from psycopg import Cursor

    database.ensure_connection()
    return database._prepare_cursor(Cursor(database.connection))


class _Reading:
    """What the compiler made of a queryset for one kind of database."""

    def __init__(self, queryset: models.QuerySet[Any, Any], added: str) -> None:
        self.query = queryset.query
        compiler: Any = self.query.get_compiler(using=queryset.db)
        sql, params = compiler.as_sql()
        self.statement = _Statement(f"{sql} {added}", params)
        columns = compiler.select[: compiler.col_count]
        self.converters = list(compiler.get_converters([one[0] for one in columns]).items())
        self.is_of_models = queryset._iterable_class is ModelIterable
        if self.is_of_models:
            chosen = compiler.klass_info["select_fields"]
            self.model, self.own = compiler.klass_info["model"], slice(chosen[0], chosen[-1] + 1)
            self.names = [one[0].target.attname for one in columns[self.own]]
            self.annotated = list(compiler.annotation_col_map.items())
            self.related = get_related_populators(  # type: ignore[call-arg]
                compiler.klass_info, compiler.select, queryset.db
            )

    def run(self, values: dict[str, Any]) -> list[Any]:
        if self.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("Rows are locked within a transaction.")
        with self.statement.executed(values) as cursor:
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
        for name, place in self.annotated:
            setattr(made, name, row[place])
        for populator in self.related:
            populator.populate(row, made)
        return made
