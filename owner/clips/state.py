"""A study's clips by model: how they stand, what they cost, when they end.

The number of queries grows with the models that have an endpoint, never with prompts or jobs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q

from annotations.models import GenerativeModel, Study
from generation.adapters.registry import UPLOAD
from generation.costs import as_money, estimated_cost
from generation.endpoints.limits import Room, budget_room, held_by
from generation.endpoints.pace import Outlook, outlook
from generation.endpoints.spending import Spent, by_currency, spent_by_model
from generation.enums import JobState
from generation.jobs.mending import advice_on
from generation.models import Attempt, Endpoint, Job, JobQuerySet

THERE, WAITING, MOVING, LOST = "there", "waiting", "moving", "lost"
FAILED, REFUSED, GIVEN_UP, REMOVED, MISSING = "failed", "refused", "given-up", "removed", "missing"
STATE_OF = {
    JobState.READY: WAITING,
    JobState.AWAITING_FIRST: WAITING,
    JobState.FAILED: FAILED,
    JobState.FIRST_FAILED: FAILED,
    JobState.REJECTED: REFUSED,
    JobState.CANCELLED: GIVEN_UP,
    # Its clip was there once.
    JobState.DONE: REMOVED,
}


@dataclass(frozen=True)
class GenerationPlan:
    """What generating a model's missing clips would cost, and what its budget says."""

    endpoint: Endpoint
    clips: int
    cost: Decimal | None
    budget: Room | None

    @property
    def price(self) -> str:
        if self.cost is None:
            return "at an unknown price"
        return f"about {as_money(self.cost, self.endpoint.currency)}"

    @property
    def budgets(self) -> str:
        """The budgets in money, in words."""
        budgets = {"a day": self.endpoint.daily_cost, "in all": self.endpoint.total_cost}
        currency = self.endpoint.currency
        shown = [f"{as_money(most, currency)} {span}" for span, most in budgets.items() if most]
        return ", ".join(shown)

    @property
    def is_over_budget(self) -> bool:
        return self.budget is not None and self.clips > self.budget.jobs


@dataclass(frozen=True)
class ModelLine:
    """How a model's clips stand; `counts` by state."""

    model: GenerativeModel
    counts: Counter[str]
    total: int
    endpoint: Endpoint | None = None
    spent: Spent | None = None
    outlook: Outlook | None = None
    held: Room | None = None
    plan: GenerationPlan | None = None

    @property
    def there(self) -> int:
        return self.counts[THERE]

    @property
    def under_way(self) -> int:
        return self.counts[WAITING] + self.counts[MOVING]

    @property
    def failed(self) -> int:
        """What a retry is for: a refusal is a result, and a clip given up was not wanted."""
        return self.counts[FAILED]

    @property
    def lost(self) -> int:
        """What may have been made and paid for: a person has to look."""
        return self.counts[LOST]

    @property
    def refused(self) -> int:
        return self.counts[REFUSED]

    @property
    def given_up(self) -> int:
        return self.counts[GIVEN_UP]

    @property
    def remedy(self) -> str:
        """What a person can do about that which holds its jobs."""
        if not self.held:
            return ""
        advice = advice_on(self.held.why) if self.held.is_pause else ""
        return f"{advice} {self.held.remedy}".lstrip()

    @property
    def without_clip(self) -> int:
        """Not asked for, or taken out."""
        return self.counts[MISSING]


@dataclass(frozen=True)
class StudyClips:
    """All models of a study, and what they add up to."""

    lines: list[ModelLine]
    now: datetime

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def there(self) -> int:
        return sum(line.there for line in self.lines)

    @property
    def not_there(self) -> int:
        return self.total - self.there

    @property
    def under_way(self) -> int:
        return sum(line.under_way for line in self.lines)

    @property
    def failed(self) -> int:
        return sum(line.failed for line in self.lines)

    @property
    def refused(self) -> int:
        return sum(line.refused for line in self.lines)

    @property
    def given_up(self) -> int:
        return sum(line.given_up for line in self.lines)

    @property
    def spent(self) -> list[Spent]:
        return by_currency(line.spent for line in self.lines if line.spent)

    @property
    def plans(self) -> list[GenerationPlan]:
        return [line.plan for line in self.lines if line.plan]

    @property
    def planned(self) -> int:
        return sum(plan.clips for plan in self.plans)

    @property
    def planned_cost(self) -> str:
        """What generating all that is missing would cost."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for plan in self.plans:
            if plan.cost is not None:
                sums[plan.endpoint.currency] += plan.cost
        words = [f"about {as_money(cost, currency)}" for currency, cost in sums.items()]
        unknown = sum(plan.clips for plan in self.plans if plan.cost is None)
        if unknown:
            words.append(f"{unknown if sums else 'all'} at an unknown price")
        return " and ".join(words)

    @property
    def held(self) -> list[ModelLine]:
        """Models that lack clips, and whose endpoint is sent no job for some time."""
        return [line for line in self.lines if line.held and line.there < line.total]

    @property
    def ends_at(self) -> datetime | None:
        """When the last model ends; None while one of them cannot tell."""
        ends = [line.outlook.ends_at for line in self.lines if line.outlook]
        known = [end for end in ends if end]
        return max(known) if known and len(known) == len(ends) else None

    @property
    def without_endpoint(self) -> list[str]:
        return [line.model.name for line in self.lines if not makes_clips(line.endpoint)]


def clips_of(study: Study, *, now: datetime) -> StudyClips:
    """Count the study's clips by model."""
    models = [row.model for row in study.study_models.select_related("model")]
    prompts = study.study_prompts.count()
    rows = Endpoint.objects.filter(model__studies=study).select_related("model")
    endpoints = {endpoint.model_id: endpoint for endpoint in rows}
    counts = _counts(study)
    spent = spent_by_model(Attempt.objects.filter(job__study=study, job__is_trial=False))
    lines = []
    for model in models:
        own = counts[model.pk]
        own[MISSING] = max(prompts - own.total(), 0)
        endpoint = endpoints.get(model.pk)
        line = ModelLine(model, own, prompts, endpoint, spent.get(model.pk))
        lines.append(_with_endpoint(line, endpoint, now) if endpoint else line)
    return StudyClips(lines, now)


def unmade_jobs(study: Study) -> JobQuerySet:
    """Jobs that ended without a clip, or wait for a person; those given up are no news."""
    failed = Job.objects.for_study(study.pk).failed().without_clip()
    return failed.exclude(state=JobState.CANCELLED)


def makes_clips(endpoint: Endpoint | None) -> bool:
    return endpoint is not None and endpoint.is_active and endpoint.adapter != UPLOAD


def _with_endpoint(line: ModelLine, endpoint: Endpoint, now: datetime) -> ModelLine:
    waiting, under_way = line.counts[WAITING], line.counts[MOVING]
    is_going = bool(waiting or under_way)
    return ModelLine(
        line.model,
        line.counts,
        line.total,
        endpoint,
        line.spent,
        outlook(endpoint, waiting=waiting, under_way=under_way, now=now) if is_going else None,
        held_by(endpoint, now),
        _plan(endpoint, line.counts[MISSING], now),
    )


def _plan(endpoint: Endpoint, clips: int, now: datetime) -> GenerationPlan | None:
    if not clips or not makes_clips(endpoint):
        return None
    each = estimated_cost(endpoint)
    return GenerationPlan(
        endpoint, clips, each * clips if each is not None else None, budget_room(endpoint, now)
    )


def _counts(study: Study) -> defaultdict[int, Counter[str]]:
    """By model and state. What is there counts as there, whatever became of its job."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    places = study.roster.wanted().order_by().values_list("model")
    for model, clips in places.annotate(n=Count("prompt", distinct=True)):
        found[model][THERE] = clips
    # A clip that was made and taken out is missing like one that was never asked for.
    jobs = Job.objects.for_study(study.pk).without_clip().exclude(state=JobState.DONE).order_by()
    counted = jobs.values_list("endpoint__model", "state").annotate(
        n=Count("pk"), parked=Count("pk", filter=Q(wake_at=None))
    )
    for model, state, clips, parked in counted:
        lost = parked if state == JobState.UNKNOWN_OUTCOME else 0
        found[model][LOST] += lost
        found[model][STATE_OF.get(JobState(state), MOVING)] += clips - lost
    return found
