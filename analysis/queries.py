"""From the database to the vote table: the one door, in a fixed number of queries."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import pandas as pd
from django.db.models import Count, F, Max
from django.db.models.functions import Coalesce

from analysis.columns import vote_columns
from analysis.core.report import AskedAxis, ClipsWanted, ReportSettings, Shown
from analysis.core.stopping import StoppingPlan, StoppingRule
from analysis.core.votes import validate_votes
from analysis.version import code_version
from annotations.enums import ComparisonState, StudyState, TiePolicy
from annotations.models import Comparison, Judgment, Rater, Study
from annotations.services.clips.outcomes import outcomes_of
from annotations.services.pairs.provenance import shown_clips
from annotations.services.studies.protocol import hash_protocol

WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie"}
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class VotesSeen:
    """What a report of the study would see now; `fingerprint` changes when the report would."""

    fingerprint: str
    votes: int
    last_judgment_id: int


def votes_seen(study: Study) -> VotesSeen:
    counted = Judgment.objects.for_study(study.pk).aggregate(n=Count("pk"), last=Max("pk"))
    excluded = study.raters.exclude(excluded_at=None).order_by("pk")
    facts = {
        "votes": counted["n"],
        "last": counted["last"] or 0,
        "protocol": hash_protocol(study),
        "code": code_version(),
        "title": study.title,
        "interim": is_interim(study),
        "excluded": list(excluded.values_list("pk", "excluded_why")),
        "planned": _planned(study).count(),
        "clips": [asdict(one) for one in outcomes_of(study)],
    }
    text = json.dumps(facts, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return VotesSeen(fingerprint, counted["n"], counted["last"] or 0)


def study_votes(study: Study, *, last_judgment_id: int | None = None) -> pd.DataFrame:
    """The validated vote table of a study, up to and including a judgment."""
    return validate_votes(vote_columns(study, rater_names(study), last_judgment_id))


def judgment_rows(study: Study, *, last_judgment_id: int | None = None) -> Iterator[dict[str, Any]]:
    """One row per judgment in the public long form, in the order they were given.

    Raters are `rater-001` and so on, by order of arrival: the ids of panels stay inside.
    """
    names = rater_names(study)
    judgments = Judgment.objects.for_study(study.pk).order_by("pk")
    if last_judgment_id is not None:
        judgments = judgments.filter(pk__lte=last_judgment_id)
    records = _joined(judgments).iterator(chunk_size=CHUNK)
    while chunk := list(islice(records, CHUNK)):
        reasons = _reasons_between(chunk[0]["pk"], chunk[-1]["pk"])
        for record in chunk:
            yield _row(study, record, names[record["rater_id"]], reasons[record["pk"]])


def report_settings(study: Study) -> ReportSettings:
    """What a study's votes cannot say about themselves."""
    return ReportSettings(
        title=study.title,
        min_votes=study.raters_per_comparison,
        ties_allowed=study.tie_policy == TiePolicy.ALLOWED,
        axes=_asked_axes(study),
        planned=_planned_per_pair(study),
        plan=stopping_plan(study),
        simulated=_has_simulated_votes(study),
        interim=is_interim(study),
        protocol_hash=hash_protocol(study),
        code_version=code_version(),
        shown=tuple(
            Shown(one.model, one.clips, str(one.made), str(one.shown)) for one in shown_clips(study)
        ),
        clips=clips_wanted(study),
        presentation=str(study.get_presentation_profile_display()),
    )


def clips_wanted(study: Study) -> tuple[ClipsWanted, ...]:
    """What became of each model's clips."""
    return tuple(ClipsWanted(**asdict(one)) for one in outcomes_of(study))


def stopping_plan(study: Study) -> StoppingPlan:
    """The plan that was set with the protocol; without a number, one comparison per prompt."""
    return StoppingPlan(
        rule=StoppingRule(study.stopping_rule),
        comparisons=study.planned_comparisons or study.study_prompts.count() or None,
        alpha=study.stopping_alpha,
        minimum=study.stopping_minimum,
        half_width=study.stopping_half_width,
    )


def is_interim(study: Study) -> bool:
    return study.state != StudyState.CLOSED


def _joined(judgments: Any) -> Any:
    assignment, comparison = "assignment__", "assignment__comparison__"
    return judgments.values(
        "pk",
        "choice",
        "note",
        "reason_order",
        axis_key=F("axis__key"),
        rater_id=F(f"{assignment}rater"),
        side_a=F(f"{assignment}side_a"),
        started_at=Coalesce(F(f"{assignment}shown_at"), F(f"{assignment}leased_at")),
        submitted_at=F(f"{assignment}submitted_at"),
        excluded_at=F(f"{assignment}rater__excluded_at"),
        excluded_why=F(f"{assignment}rater__excluded_why"),
        comparison_id=F(f"{assignment}comparison"),
        prompt_key=F(f"{comparison}prompt__key"),
        prompt_text=F(f"{comparison}prompt__text"),
        category=F(f"{comparison}prompt__category"),
        model_a=F(f"{comparison}stimulus_a__model__name"),
        model_b=F(f"{comparison}stimulus_b__model__name"),
    )


def _row(study: Study, record: dict[str, Any], rater: str, reasons: list[str]) -> dict[str, Any]:
    # Two hosts may disagree by a little about the time.
    taken = max(timedelta(0), record["submitted_at"] - record["started_at"])
    return {
        "study": study.slug,
        "comparison_id": str(record["comparison_id"]),
        "prompt_id": record["prompt_key"],
        "prompt": record["prompt_text"],
        "category": record["category"],
        "axis": record["axis_key"],
        "model_a": record["model_a"],
        "model_b": record["model_b"],
        "winner": WINNERS[record["choice"]],
        "reasons": ";".join(reasons),
        "note": record["note"],
        "rater": rater,
        "side_a": record["side_a"],
        "protocol": study.protocol,
        "is_gold": False,
        "excluded": record["excluded_at"] is not None,
        "excluded_why": record["excluded_why"],
        "started_at": record["started_at"],
        "submitted_at": record["submitted_at"],
        "duration_ms": taken // timedelta(milliseconds=1),
        "played_a": "",
        "played_b": "",
        "reason_order": ";".join(record["reason_order"]),
    }


def rater_names(study: Study) -> dict[int, str]:
    """What each rater is called in votes and exports, by primary key."""
    raters = Rater.objects.filter(study=study).order_by("pk").values_list("pk", flat=True)
    return {pk: f"rater-{number:03d}" for number, pk in enumerate(raters, start=1)}


def _reasons_between(first: int, last: int) -> defaultdict[int, list[str]]:
    """The reasons of the judgments from one to another, in the order of the question."""
    through: Any = Judgment.reasons.through
    ticked = through.objects.filter(judgment__gte=first, judgment__lte=last)
    ordered = ticked.order_by("reason__position", "reason")
    reasons: defaultdict[int, list[str]] = defaultdict(list)
    for judgment, key in ordered.values_list("judgment", "reason__key"):
        reasons[judgment].append(key)
    return reasons


def _asked_axes(study: Study) -> tuple[AskedAxis, ...]:
    return tuple(
        AskedAxis(
            axis.key,
            axis.question,
            {reason.key: reason.label for reason in axis.reasons.all()},
        )
        for axis in study.axes.prefetch_related("reasons")
    )


def _planned(study: Study) -> Any:
    return Comparison.objects.filter(study=study).counted().exclude(state=ComparisonState.FAILED)


def _planned_per_pair(study: Study) -> dict[tuple[str, str], int]:
    names = ("stimulus_a__model__name", "stimulus_b__model__name")
    counts = _planned(study).order_by().values_list(*names).annotate(n=Count("pk"))
    return {(model_a, model_b): n for model_a, model_b, n in counts}


def _has_simulated_votes(study: Study) -> bool:
    judgments = Judgment.objects.for_study(study.pk)
    return judgments.filter(assignment__rater__is_simulated=True).exists()
