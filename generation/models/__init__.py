"""Endpoints, their jobs and every attempt at one."""

from generation.models.endpoints import SETTINGS, ClipSettings, Endpoint
from generation.models.jobs import Attempt, AttemptQuerySet, Job, JobQuerySet

__all__ = [
    "SETTINGS",
    "Attempt",
    "AttemptQuerySet",
    "ClipSettings",
    "Endpoint",
    "Job",
    "JobQuerySet",
]
