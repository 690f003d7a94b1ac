"""The JSON Schema of report.json, made from the dataclasses that it is written from."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from analysis.core.results import StudyReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
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
    """The schema, each kind of result under `$defs` by its name, described by its docstring."""
    made = msgspec.json.schema(StudyReport)
    definitions = {name: _as_written(kind) for name, kind in sorted(made["$defs"].items())}
    # A mapping by pairs of models has no form in JSON: it is written as a list.
    definitions["ReportSettings"]["properties"]["planned"] = PLANNED
    return {
        "$schema": DIALECT,
        "title": "Report of a Juice study",
        "description": "Shares are from 0 to 1, times in seconds; undefined numbers are null.",
        "$ref": made["$ref"],
        "$defs": definitions,
    }


def _as_written(kind: dict[str, Any]) -> dict[str, Any]:
    """A definition in which nothing may be missing or further.

    A field with a default is written, too; a report of another version has another schema.
    """
    told = {**kind, "description": cleandoc(kind["description"])} if "description" in kind else kind
    if "properties" not in kind:
        return told
    properties = {
        name: {word: rule for word, rule in field.items() if word != "default"}
        for name, field in kind["properties"].items()
    }
    return {
        **told,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
