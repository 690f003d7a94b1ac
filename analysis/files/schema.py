"""The JSON Schema of report.json, made from the dataclasses that it is written from."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from analysis.core.results import StudyReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
PUBLISHED = {"StudyReport": "Report", "RaterPanel": "Panel"}
"""Names under `$defs` that are published, where classes are called otherwise."""
PLANNED = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "model_a": {"type": "string"},
            "model_b": {"type": "string"},
            "comparisons": {"type": "integer"},
        },
        "required": ["model_a", "model_b", "comparisons"],
        "additionalProperties": False,
    },
}


def report_schema() -> dict[str, Any]:
    """The schema, each kind of result under `$defs` by its name.

    Nothing may be missing or further: a report of another version has another schema.
    """
    definitions: dict[str, Any] = {}
    root = _schema_of(StudyReport, definitions)
    # A mapping by pairs of models has no form in JSON: it is written as a list.
    definitions["ReportSettings"]["properties"]["planned"] = PLANNED
    return {
        "$schema": DIALECT,
        "title": "Report of a Juice study",
        "description": "Shares are from 0 to 1, times in seconds; undefined numbers are null.",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        return {"anyOf": [_schema_of(one, definitions) for one in get_args(kind)]}
    if origin is tuple:
        return _tuple_schema(get_args(kind), definitions)
    if origin is Mapping or origin is dict:
        value = _schema_of(get_args(kind)[1], definitions)
        return {"type": "object", "additionalProperties": value}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if dataclasses.is_dataclass(kind):
        return _reference(kind, definitions)
    return {"type": PLAIN[kind]}


def _tuple_schema(parts: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return {"type": "array", "items": _schema_of(parts[0], definitions)}
    items = [_schema_of(part, definitions) for part in parts]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}


def _reference(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name = PUBLISHED.get(kind.__name__, kind.__name__)
    if name not in definitions:
        definitions[name] = {}
        hints = get_type_hints(kind)
        fields = [field.name for field in dataclasses.fields(kind)]
        definitions[name] |= {
            "type": "object",
            "properties": {field: _schema_of(hints[field], definitions) for field in fields},
            "required": fields,
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}
