"""What a study's votes cannot say about themselves, from its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.db.models import Count

from analysis.core.settings import (
    AmendmentKind,
    AskedAxis,
    ClipsWanted,
    ProtocolAmendment,
    ReportSettings,
    Shown,
    StoppingPlan,
    StoppingRule,
)
from analysis.version import code_version
from annotations.enums import StudyState, TiePolicy
from annotations.models import Amendment, Comparison, Judgment, Study
from annotations.services.clips.outcomes import outcomes_of
from annotations.services.pairs.provenance import shown_clips
from annotations.services.studies.protocol import hash_protocol


def report_settings(study: Study) -> ReportSettings:
    """What a study's votes cannot say about themselves."""
    return ReportSettings(
        title=study.title,
        min_votes=study.raters_per_comparison,
        ties_allowed=study.tie_policy == TiePolicy.ALLOWED,
        axes=_asked_axes(study),
        planned=_planned_per_model_pair(study),
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
        amendments=tuple(map(amendment_of, study.amendments.all())),
    )


def amendment_of(change: Amendment) -> ProtocolAmendment:
    """What a report tells of a change that was made while raters were at work."""
    return ProtocolAmendment(
        kind=AmendmentKind(change.kind),
        reason=change.reason,
        made_at=change.made_at.isoformat(timespec="seconds"),
        votes_before=change.votes_before,
        votes_set_aside=change.votes_set_aside,
        protocol_before=change.protocol_before,
        protocol_after=change.protocol_after,
        what=tuple(_particulars(change)),
    )


def _particulars(change: Amendment) -> Iterator[str]:
    facts = change.facts
    if "clips" not in facts:
        for prompt, model_a, model_b in facts.get("comparisons", []):
            yield f"{prompt}: {model_a} / {model_b}"
    for prompt, model, sample in facts.get("clips", []):
        yield f"{prompt}: {model}, sample {sample}"
    yield from facts.get("prompts", [])
    if "before" in facts:
        yield f"{facts['before']}"
        yield f"{facts['after']}"


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


def planned_comparisons(study: Study) -> Any:
    return Comparison.objects.filter(study=study).counted().usable()


def _asked_axes(study: Study) -> tuple[AskedAxis, ...]:
    return tuple(
        AskedAxis(
            axis.key,
            axis.question,
            {reason.key: reason.label for reason in axis.reasons.all()},
        )
        for axis in study.axes.prefetch_related("reasons")
    )


def _planned_per_model_pair(study: Study) -> dict[tuple[str, str], int]:
    names = ("stimulus_a__model__name", "stimulus_b__model__name")
    counts = planned_comparisons(study).order_by().values_list(*names).annotate(n=Count("pk"))
    return {(model_a, model_b): n for model_a, model_b, n in counts}


def _has_simulated_votes(study: Study) -> bool:
    judgments = Judgment.objects.for_study(study.pk)
    return judgments.filter(assignment__rater__is_simulated=True).exists()
