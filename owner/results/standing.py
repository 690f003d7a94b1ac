"""How a study's results stand, in figures that may be looked at as often as one likes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analysis.models import Report
from analysis.page.words import axis_words
from analysis.services.requesting import current_report
from analysis.votes.settings import is_interim
from annotations.enums import StudyState
from annotations.models import Judgment, Study

EVERY = timedelta(seconds=15)
# A report that takes long is made anew less often: one part of a worker's time in ten.
REST = 10


@dataclass(frozen=True)
class Line:
    """A model pair on one question: percent won by the first, over so many comparisons.

    Until a single look is due it holds at every look; `rate` is None without a comparison.
    """

    asked: str
    model_a: str
    model_b: str
    rate: float | None
    lower: float | None
    upper: float | None
    comparisons: int


@dataclass(frozen=True)
class ReportTrouble:
    """Why the latest try failed; tried again at `next_try_at`, None while it is being tried."""

    what: str
    why: str
    tries: int
    next_try_at: datetime | None


@dataclass(frozen=True)
class Results:
    """What is known now; `trouble` is what stopped a newer report, or the files of this one."""

    lines: list[Line]
    is_interim: bool
    at_any_look: bool = True
    votes: int = 0
    made_at: datetime | None = None
    is_simulated: bool = False
    trouble: ReportTrouble | None = None


def results_of(study: Study, *, now: datetime) -> Results | None:
    """What the latest report says; a newer one is asked for. None before the first vote."""
    ready = Report.objects.latest_ready(study)
    if ready is None and not Judgment.objects.for_study(study.pk).exists():
        return None
    trouble = None
    if ready is None or study.state == StudyState.CLOSED or _is_due(ready, now):
        ready, asked = current_report(study=study, now=now)
        trouble = _trouble_of(asked)
    if ready is None:
        return Results([], is_interim(study), trouble=trouble)
    return _results_in(ready, trouble or _trouble_of_files(ready))


def _trouble_of(asked: Report) -> ReportTrouble | None:
    if not asked.error:
        return None
    next_try_at = asked.next_try_at if asked.has_failed else None
    return ReportTrouble("The report", asked.error, asked.tries, next_try_at)


def _trouble_of_files(ready: Report) -> ReportTrouble | None:
    """Figures, Parquet and the zip are made when somebody asks for them."""
    if not ready.extras_error:
        return None
    return ReportTrouble(
        "The files with the figures",
        ready.extras_error,
        ready.extras_tries,
        ready.extras_next_try_at,
    )


def _results_in(ready: Report, trouble: ReportTrouble | None) -> Results:
    content = json.loads(ready.content)
    settings = content["settings"]
    at_any_look = not content.get("single_look", not settings["interim"])
    several = len({one["protocol"] for one in content["results"]}) > 1
    return Results(
        [_line(one, at_any_look=at_any_look, several=several) for one in content["results"]],
        settings["interim"],
        at_any_look=at_any_look,
        votes=content["panel"]["votes"],
        made_at=ready.finished_at,
        is_simulated=settings["simulated"],
        trouble=trouble,
    )


def _is_due(ready: Report, now: datetime) -> bool:
    if ready.started_at is None or ready.finished_at is None:
        return True
    taken = ready.finished_at - ready.started_at
    return now - ready.finished_at >= max(EVERY, REST * taken)


def _line(result: dict[str, Any], *, at_any_look: bool, several: bool) -> Line:
    measured = result["anytime"] if at_any_look else _finished(result["win_rate"])
    bounds = (measured and measured["interval"]) or {"lower": None, "upper": None}
    rate = measured.get("rate") if measured else None
    protocol = f", {result['protocol'] or 'no protocol'}" if several else ""
    return Line(
        asked=axis_words(result["axis"]) + protocol,
        model_a=result["model_a"],
        model_b=result["model_b"],
        rate=_percent(rate),
        lower=_percent(bounds["lower"]),
        upper=_percent(bounds["upper"]),
        comparisons=measured["comparisons"] if measured else 0,
    )


def _finished(win_rate: dict[str, Any]) -> dict[str, Any]:
    """In the shape of an interval for every look."""
    rate = win_rate["rate"]
    comparisons = win_rate["wins"] + win_rate["ties"] + win_rate["losses"]
    return {"rate": rate["value"], "interval": rate["interval"], "comparisons": comparisons}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
