"""The settings of a process whose disk never answers."""

from juice.settings import *  # noqa: F403
from juice.settings import STORAGES

STORAGES["default"] = {**STORAGES["default"], "BACKEND": "tests.analysis.disks.StuckDisk"}
