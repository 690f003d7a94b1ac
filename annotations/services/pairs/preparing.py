"""Turn stimuli into fair pairs: comparisons, and the renditions that raters receive."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from annotations.batches import in_batches
from annotations.enums import CheckRole, ComparisonState, RenditionState, StimulusKind, SweepWork
from annotations.media.encoding import plan_to_json
from annotations.media.errors import MediaError, TooSlow
from annotations.media.profiles import SPOILT_FACTOR, RenditionPlan, plan_rendition
from annotations.models import (
    Check,
    Comparison,
    Rendition,
    Stimulus,
    Study,
)
from annotations.services.checks.defining import make_copies
from annotations.services.pairs.meetings import meetings
from annotations.services.pairs.plans import profile_of, spec_of
from annotations.services.pairs.rendering import (
    fail,
    finish,
    postpone,
    render_to_store,
    start_rendering,
)
from annotations.services.pairs.seats import seats_of_new
from annotations.services.studies.states import hold_state, prompts_as_corrected
from annotations.services.studies.troubles import guard, words_for

logger = logging.getLogger(__name__)

QUEUE_LEASE = timedelta(minutes=2)
ENQUEUE_AT_ONCE = 200
RENDERED = tuple(
    f"rendition_{side}__stimulus__{what}" for side in "ab" for what in ("model", "prompt")
)


def sync_comparisons(*, study: Study) -> int:
    """Make the comparisons of the study's roster, and those of checks; count the former.

    Safe to repeat: what exists stays as it is.
    """
    with transaction.atomic():
        # The study is not amended, and no clip replaced, until its comparisons are there.
        hold_state(study.pk)
        study.refresh_from_db()
        corrected = prompts_as_corrected(study)
        # What is drawn by lot is drawn once. No rater waits for these rows.
        roster = study.roster.select_for_update(of=("self",))
        entries = list(roster.wanted().select_related("stimulus__model", "prompt"))
        known = study.comparisons.counted().values_list("stimulus_a", "stimulus_b")
        wanted = list(meetings(study, entries, list(known)))
        for first, second in wanted:
            _create_comparison(study, first.stimulus, second.stimulus, prompt_id=first.prompt_id)
        new = [entry.pk for entry in entries if entry.is_new]
        for some in in_batches(new):
            study.roster.filter(pk__in=some).update(is_new=False)
        make_copies(study=study)
        for check in study.checks.filter(comparison=None):
            told = check.stimulus_a.prompt_id
            _create_comparison(
                study,
                check.stimulus_a,
                check.stimulus_b,
                prompt_id=corrected.get(told, told),
                check=check,
            )
    settle_comparisons()
    return len(wanted)


def sync_all_comparisons(*, now: datetime) -> None:
    """Make what has become possible in every study that is preparing or running, each by itself."""
    for study in Study.objects.preparing_or_rating():
        guard(study, SweepWork.COMPARISONS, partial(_sync_if_due, study), now=now)


def settle_comparisons() -> None:
    """Mark comparisons whose renditions are both ready, or one of which failed for good."""
    preparing = Comparison.objects.filter(state=ComparisonState.PREPARING)
    ready = preparing.filter(
        rendition_a__state=RenditionState.READY, rendition_b__state=RenditionState.READY
    )
    # By the rows' own columns: what a join says is not looked at again after a wait for the row.
    done = list(ready.values_list("pk", flat=True))
    for some in in_batches(done):
        preparing.filter(pk__in=some).update(state=ComparisonState.READY)
    failed = preparing.filter(
        Q(rendition_a__state=RenditionState.FAILED) | Q(rendition_b__state=RenditionState.FAILED)
    )
    for comparison in failed.select_related(*RENDERED):
        preparing.filter(pk=comparison.pk).update(
            state=ComparisonState.FAILED, error=_what_failed(comparison)
        )


def lease_due_renditions(*, now: datetime) -> list[int]:
    """Ids of renditions to put into the queue now; each is handed out once until its lease ends."""
    due = Rendition.objects.due(now=now)
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:ENQUEUE_AT_ONCE])
    until = now + QUEUE_LEASE
    return [pk for pk in ids if due.filter(pk=pk).update(lease_expires_at=until)]


def make_rendition(*, rendition_id: int, now: datetime) -> None:
    """Render one stimulus as planned. A repeat, or a rendition somebody else has, does nothing."""
    if not start_rendering(rendition_id, now):
        settle_comparisons()
        return
    rendition = Rendition.objects.select_related("stimulus").get(pk=rendition_id)
    try:
        made = render_to_store(rendition)
    except TooSlow as error:
        postpone(rendition, str(error), now)
    except MediaError as error:
        fail(rendition, str(error))
    else:
        finish(rendition, made, now=now)
    settle_comparisons()


def retry_failed_renditions(*, study: Study) -> int:
    """Put failed renditions of the study back to work; count them."""
    failed = Rendition.objects.for_study(study.pk).filter(state=RenditionState.FAILED)
    ids = list(failed.values_list("pk", flat=True))
    with transaction.atomic():
        study.comparisons.filter(state=ComparisonState.FAILED).update(
            state=ComparisonState.PREPARING, error=""
        )
        return Rendition.objects.filter(pk__in=ids).update(
            state=RenditionState.PENDING, tries=0, error="", lease_expires_at=None
        )


def _sync_if_due(study: Study) -> None:
    has_new = study.roster.wanted().filter(is_new=True).exists()
    if has_new or study.checks.filter(comparison=None).exists():
        sync_comparisons(study=study)


def _create_comparison(
    study: Study,
    first: Stimulus,
    second: Stimulus,
    *,
    prompt_id: int,
    check: Check | None = None,
) -> None:
    """The prompt is the study's, which may have been corrected since the models were told it."""
    values: dict[str, Any] = {
        "prompt_id": prompt_id,
        "position": _place_in_order(study, first, second),
        **seats_of_new(study, is_check=check is not None),
    }
    spoilt = SPOILT_FACTOR if check and check.role == CheckRole.DEGRADED else 0
    plans: dict[str, tuple[Stimulus, RenditionPlan]] = {}
    sides = {"a": (first, second, 0), "b": (second, first, spoilt)}
    for side, (own, partner, factor) in sides.items():
        try:
            plans[side] = own, _plan_for(study, own=own, partner=partner, spoilt=factor)
        except Exception as error:
            # One that cannot be planned is told as failed, and keeps no other from being made.
            if not isinstance(error, MediaError):
                logger.exception("the comparison of %s and %s cannot be planned", first, second)
            words = f"{own.model}: {words_for(error)}"
            values |= {"state": ComparisonState.FAILED, "error": words}
    if len(plans) == len(sides):
        values |= {f"rendition_{side}": _rendition_of(*plan) for side, plan in plans.items()}
    Comparison.objects.get_or_create(
        study=study, stimulus_a=first, stimulus_b=second, of_check=check, defaults=values
    )


def _plan_for(study: Study, *, own: Stimulus, partner: Stimulus, spoilt: int = 0) -> RenditionPlan:
    """How `own` is made fair beside `partner`."""
    if own.kind == StimulusKind.VIDEO and own.frames < 2:
        raise MediaError(
            "its clip has one frame only, and would cut its partner to one frame. Give a clip with "
            "all its frames."
        )
    plan = plan_rendition(spec_of(own), spec_of(partner), profile_of(study))
    return replace(plan, spoilt=spoilt)


def _rendition_of(own: Stimulus, plan: RenditionPlan) -> Rendition:
    """Of this plan; one that was planned before is reused."""
    # What renders is loaded by the workers that plan and render, not by every web process.
    from annotations.media.rendering import rendition_key

    return Rendition.objects.get_or_create(
        key=rendition_key(own.sha256, plan),
        defaults={"stimulus": own, "profile": plan.profile, "plan": plan_to_json(plan)},
    )[0]


def _place_in_order(study: Study, first: Stimulus, second: Stimulus) -> int:
    """A place in the study's shuffled order that depends on nothing but its seed and the pair."""
    text = f"{study.order_seed}/{first.pk}/{second.pk}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def _what_failed(comparison: Comparison) -> str:
    """Which of the pair's clips could not be prepared, and why."""
    both = [comparison.rendition_a, comparison.rendition_b]
    failed = [one for one in both if one is not None and one.state == RenditionState.FAILED]
    return " ".join(f"{one.stimulus}: {one.error}" for one in failed)
