"""Turn stimuli into fair pairs: comparisons, and the renditions that raters receive."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from annotations.enums import CheckRole, ComparisonState, RenditionState, SweepWork
from annotations.media.encoding import plan_from_json, plan_to_json
from annotations.media.errors import MediaError
from annotations.media.isolation import render
from annotations.media.profiles import SPOILT_FACTOR, RenditionPlan, plan_rendition
from annotations.models import Check, Comparison, GenerativeModel, Rendition, Stimulus, Study
from annotations.scratch import scratch_folder
from annotations.services.checks.defining import make_copies
from annotations.services.pairs.plans import profile_of, spec_of
from annotations.services.pairs.seats import seats_of_new
from annotations.services.studies.states import model_pairs
from annotations.services.studies.troubles import guard, words_for

logger = logging.getLogger(__name__)

RENDER_LEASE = timedelta(minutes=7)
QUEUE_LEASE = timedelta(minutes=2)
MAX_TRIES = 3
ENQUEUE_AT_ONCE = 200


@dataclass(frozen=True)
class MissingClip:
    model: GenerativeModel
    prompt_key: str


def sync_comparisons(*, study: Study) -> int:
    """Make the comparisons whose two stimuli are there, and those of checks; count the former.

    Safe to repeat: what exists stays as it is.
    """
    known = set(study.comparisons.counted().values_list("stimulus_a", "stimulus_b"))
    wanted = [pair for pair in _stimuli_to_compare(study) if (pair[0].pk, pair[1].pk) not in known]
    with transaction.atomic():
        for first, second in wanted:
            _create_comparison(study, first, second)
        make_copies(study=study)
        for check in study.checks.filter(comparison=None):
            _create_comparison(study, check.stimulus_a, check.stimulus_b, check=check)
    settle_comparisons()
    return len(wanted)


def sync_all_comparisons(*, now: datetime) -> None:
    """Make what has become possible in every study that is preparing or running, each by itself."""
    for study in Study.objects.preparing_or_rating():
        guard(study, SweepWork.COMPARISONS, partial(_sync_if_short, study), now=now)


def settle_comparisons() -> None:
    """Mark comparisons whose renditions are both ready, or one of which failed for good."""
    preparing = Comparison.objects.filter(state=ComparisonState.PREPARING)
    ready = preparing.filter(
        rendition_a__state=RenditionState.READY, rendition_b__state=RenditionState.READY
    )
    ready.update(state=ComparisonState.READY)
    failed = preparing.filter(
        Q(rendition_a__state=RenditionState.FAILED) | Q(rendition_b__state=RenditionState.FAILED)
    )
    failed.update(state=ComparisonState.FAILED)


def lease_due_renditions(*, now: datetime) -> list[int]:
    """Ids of renditions to put into the queue now; each is handed out once until its lease ends."""
    due = Rendition.objects.due(now=now)
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:ENQUEUE_AT_ONCE])
    until = now + QUEUE_LEASE
    return [pk for pk in ids if due.filter(pk=pk).update(lease_expires_at=until)]


def make_rendition(*, rendition_id: int, now: datetime) -> None:
    """Render one stimulus as planned. A repeat, or a rendition somebody else has, does nothing."""
    if not _start_rendering(rendition_id, now):
        return
    rendition = Rendition.objects.select_related("stimulus").get(pk=rendition_id)
    try:
        name, sha256, size = _render_to_store(rendition)
    except MediaError as error:
        _fail(rendition, str(error))
    else:
        _finish(rendition, name=name, sha256=sha256, size=size, now=now)
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


def missing_clips(study: Study) -> list[MissingClip]:
    """The (model, prompt) of the study for which there is no stimulus, in the study's order."""
    have = set(Stimulus.objects.for_study(study.pk).values_list("model", "prompt"))
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    return [
        MissingClip(model=row.model, prompt_key=prompt.key)
        for row in study.study_models.select_related("model")
        for prompt in prompts
        if (row.model_id, prompt.pk) not in have
    ]


def _sync_if_short(study: Study) -> None:
    is_short = study.comparisons.counted().count() < _planned_minimum(study)
    if is_short or study.checks.filter(comparison=None).exists():
        sync_comparisons(study=study)


def _planned_minimum(study: Study) -> int:
    """Comparisons that the study has when every model has one clip per prompt."""
    return len(model_pairs(study)) * study.study_prompts.count()


def _stimuli_to_compare(study: Study) -> Iterator[tuple[Stimulus, Stimulus]]:
    """The pairs of stimuli of one prompt and seed, in the order a, b."""
    by_model: dict[int, dict[tuple[int, int], Stimulus]] = defaultdict(dict)
    for stimulus in Stimulus.objects.for_study(study.pk).order_by("pk"):
        by_model[stimulus.model_id][(stimulus.prompt_id, stimulus.seed)] = stimulus
    for model_a, model_b in model_pairs(study):
        clips_a, clips_b = by_model[model_a.pk], by_model[model_b.pk]
        for place in clips_a.keys() & clips_b.keys():
            yield clips_a[place], clips_b[place]


def _create_comparison(
    study: Study, first: Stimulus, second: Stimulus, *, check: Check | None = None
) -> None:
    values: dict[str, Any] = {
        "prompt_id": first.prompt_id,
        "position": _place_in_order(study, first, second),
        **seats_of_new(study, is_check=check is not None),
    }
    spoilt = SPOILT_FACTOR if check and check.role == CheckRole.DEGRADED else 0
    try:
        plans = [
            (first, _plan_for(study, own=first, partner=second)),
            (second, _plan_for(study, own=second, partner=first, spoilt=spoilt)),
        ]
    except Exception as error:
        # One that cannot be planned is told as failed, and keeps no other from being made.
        if not isinstance(error, MediaError):
            logger.exception("the comparison of %s and %s cannot be planned", first, second)
        words = str(error) if isinstance(error, MediaError) else words_for(error)
        values |= {"state": ComparisonState.FAILED, "error": words}
    else:
        values["rendition_a"], values["rendition_b"] = [_rendition_of(*one) for one in plans]
    Comparison.objects.get_or_create(
        study=study, stimulus_a=first, stimulus_b=second, of_check=check, defaults=values
    )


def _plan_for(study: Study, *, own: Stimulus, partner: Stimulus, spoilt: int = 0) -> RenditionPlan:
    """How `own` is made fair beside `partner`."""
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


def _start_rendering(rendition_id: int, now: datetime) -> bool:
    """Take the rendition for this worker; a lease that ran out counts as a failed try."""
    takeable = Rendition.objects.filter(pk=rendition_id).filter(
        Q(state=RenditionState.PENDING)
        | Q(state=RenditionState.RENDERING, lease_expires_at__lte=now)
    )
    rendition = takeable.first()
    if rendition is None:
        return False
    if rendition.tries >= MAX_TRIES:
        _fail(rendition, f"The clip could not be prepared in {MAX_TRIES} tries: worker lost.")
        settle_comparisons()
        return False
    return bool(
        takeable.filter(tries=rendition.tries).update(
            state=RenditionState.RENDERING,
            tries=rendition.tries + 1,
            lease_expires_at=now + RENDER_LEASE,
        )
    )


def _render_to_store(rendition: Rendition) -> tuple[str, str, int]:
    """Render into the store under the rendition's key.

    Returns
    -------
    tuple
        Name in the default storage, SHA-256 of the bytes, size in bytes.
    """
    plan = plan_from_json(rendition.plan)
    with scratch_folder("rendition") as folder:
        source = folder / "source"
        with rendition.stimulus.file.open("rb") as original, source.open("wb") as copy:
            for chunk in original.chunks():
                copy.write(chunk)
        target = folder / f"rendition{plan.suffix}"
        render(source, target, plan)
        content = target.read_bytes()
        name = f"renditions/{rendition.key[:2]}/{rendition.key}{plan.suffix}"
        if not default_storage.exists(name):
            with target.open("rb") as made:
                name = default_storage.save(name, File(made))
    return name, hashlib.sha256(content).hexdigest(), len(content)


def _finish(rendition: Rendition, *, name: str, sha256: str, size: int, now: datetime) -> None:
    Rendition.objects.filter(pk=rendition.pk, state=RenditionState.RENDERING).update(
        state=RenditionState.READY,
        file=name,
        sha256=sha256,
        bytes=size,
        ready_at=now,
        error="",
        lease_expires_at=None,
    )


def _fail(rendition: Rendition, why: str) -> None:
    Rendition.objects.filter(pk=rendition.pk).exclude(state=RenditionState.READY).update(
        state=RenditionState.FAILED, error=why, lease_expires_at=None
    )
