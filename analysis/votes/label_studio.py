"""Label Studio's export of its Pairwise template, as JSON or JSON-MIN.

https://labelstud.io/tags/pairwise and https://labelstud.io/guide/task_format. The names of the
models come from the task's data, since Label Studio knows only left and right; the question is the
`name` of the Pairwise tag. It does not shuffle sides, so that left is whatever was imported there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.core.columns import BETWEEN, joined

MODEL_KEYS = (
    ("model_left", "model_right"),
    ("left_model", "right_model"),
    ("model_a", "model_b"),
    ("model1", "model2"),
)
PROMPT_KEYS = ("prompt", "caption", "text", "instruction")
SIDES = {"left": "model_a", "right": "model_b"}

Row = dict[str, Any]


class TaskError(ValueError):
    """A task that is no comparison; the message names it."""


class Tasks:
    """The votes of exported tasks; what was left out is counted in `left_out`."""

    def __init__(self, content: list[Any]) -> None:
        self.content = content
        self.left_out = 0

    def votes(self) -> Iterator[tuple[str, Row]]:
        """One vote per annotation and Pairwise tag, named by its task.

        Raises
        ------
        TaskError
            A task without its models' names, or a selection that is neither left nor right.
        """
        for number, task in enumerate(self.content, start=1):
            if not isinstance(task, dict):
                raise TaskError(f"entry {number} is not a task")
            name = f"task {task.get('id', number)}"
            for row in self._full(name, task) if "annotations" in task else self._min(name, task):
                yield name, row

    def notes(self) -> tuple[str, ...]:
        if not self.left_out:
            return ()
        return (f"{self.left_out:,} annotations were skipped or hold no choice; left out.",)

    def _full(self, name: str, task: Row) -> Iterator[Row]:
        data = task.get("data") or {}
        for annotation in task["annotations"]:
            results = annotation.get("result") or []
            pairwise = {
                str(one.get("from_name")): one.get("value")
                for one in results
                if one.get("type") == "pairwise"
            }
            if annotation.get("was_cancelled") or not pairwise:
                self.left_out += 1
                continue
            choices = [one["value"]["choices"] for one in results if one.get("type") == "choices"]
            about = {
                "rater": _person(annotation.get("completed_by")),
                "submitted_at": annotation.get("created_at") or "",
                "duration_ms": _milliseconds(annotation.get("lead_time")),
                "reasons": _reasons(choices) if len(pairwise) == 1 else "",
            }
            for axis, value in pairwise.items():
                yield {**_comparison(name, task, data), **about, **_choice(name, axis, value)}

    def _min(self, name: str, task: Row) -> Iterator[Row]:
        found = {key: value for key, value in task.items() if _selected(value) is not None}
        if not found:
            self.left_out += 1
        about = {
            "rater": _person(task.get("annotator")),
            "submitted_at": task.get("created_at") or "",
            "duration_ms": _milliseconds(task.get("lead_time")),
        }
        for axis, value in found.items():
            yield {**_comparison(name, task, task), **about, **_choice(name, axis, value)}


def _comparison(name: str, task: Row, data: Mapping[str, Any]) -> Row:
    keys = next((keys for keys in MODEL_KEYS if all(data.get(key) for key in keys)), None)
    if keys is None:
        known = "; ".join(" and ".join(keys) for keys in MODEL_KEYS)
        raise TaskError(f"{name} does not name its models in its data. Known names: {known}")
    prompt = next((str(data[key]) for key in PROMPT_KEYS if data.get(key)), "")
    prompt_id = str(data.get("prompt_id") or prompt or task.get("id"))
    return {
        "prompt_id": prompt_id,
        "prompt": prompt,
        "category": str(data.get("category") or ""),
        "model_a": data[keys[0]],
        "model_b": data[keys[1]],
        "side_a": "left",
    }


def _choice(name: str, axis: str, value: Any) -> Row:
    selected = _selected(value)
    if selected not in SIDES:
        raise TaskError(f"{name}: {axis} selects {selected!r}, which is neither left nor right")
    return {"axis": axis, "winner": SIDES[selected]}


def _selected(value: Any) -> Any:
    """What a Pairwise answer selects; JSON-MIN puts it into a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.get("selected") if isinstance(value, dict) else None


def _reasons(choices: list[list[str]]) -> str:
    return joined(word.replace(BETWEEN, ",") for words in choices for word in words)


def _person(who: Any) -> str:
    if isinstance(who, dict):
        who = who.get("id") or who.get("email")
    return "" if who is None else str(who)


def _milliseconds(seconds: Any) -> float | str:
    return 1000 * float(seconds) if isinstance(seconds, int | float) else ""
