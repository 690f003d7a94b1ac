"""The admin of the instrument: studies are set up here; what came of them can be read."""

from annotations.admin import panels, records, study

__all__ = ["panels", "records", "study"]
