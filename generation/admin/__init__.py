"""The admin of endpoints and their jobs, and a study's clip settings."""

from generation.admin import endpoints, jobs

__all__ = ["endpoints", "jobs"]
