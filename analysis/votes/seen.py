"""What a report of a study would see now, without reading its votes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from django.db.models import Count, Max

from analysis.version import code_version
from analysis.votes.settings import is_interim, planned_comparisons
from annotations.models import Judgment, Study
from annotations.services.clips.outcomes import outcomes_of
from annotations.services.studies.protocol import hash_protocol


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
        "planned": planned_comparisons(study).count(),
        "amendments": list(study.amendments.values_list("pk", "votes_set_aside")),
        "clips": [asdict(one) for one in outcomes_of(study)],
    }
    text = json.dumps(facts, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return VotesSeen(fingerprint, counted["n"], counted["last"] or 0)
