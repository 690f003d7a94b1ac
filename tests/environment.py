"""Loaded before Django's settings: every test process has files of its own."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("DEBUG", "1")
os.environ.setdefault("VAR_DIR", str(Path(tempfile.gettempdir()) / "juice-tests"))
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["VAR_DIR"] = str(Path(os.environ["VAR_DIR"]) / worker)
