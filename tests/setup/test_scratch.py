"""Files in the making, and what killed processes leave of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from celery.signals import worker_ready

from annotations import scratch
from annotations.scratch import scratch_folder, sweep_scratch
from annotations.storage import WholeFileStorage
from juice import celery

DAY = timedelta(days=1).total_seconds()


@pytest.fixture(autouse=True)
def store(settings, monkeypatch, tmp_path):
    settings.SCRATCH_DIR = tmp_path / "scratch"
    store = WholeFileStorage(location=tmp_path / "media")
    monkeypatch.setattr(scratch, "default_storage", store)
    return store


def aged(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_folder_is_gone_afterwards_whatever_happens(settings):
    with pytest.raises(ZeroDivisionError), scratch_folder("fetch") as folder:
        (folder / "clip").write_bytes(b"half")
        assert folder.parent == settings.SCRATCH_DIR
        raise ZeroDivisionError
    assert list(settings.SCRATCH_DIR.iterdir()) == []


def test_what_a_killed_process_left_goes_a_day_later_and_nothing_else(settings, store):
    scratch_now, scratch_then = (settings.SCRATCH_DIR / name / "clip" for name in ("now", "then"))
    part_now, part_then = (store.partial / name for name in ("now", "then"))
    kept = store.partial.parent / "clip.mp4"
    for path in (scratch_now, scratch_then, part_now, part_then, kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    for path in (scratch_then.parent, part_then, kept):
        aged(path, DAY + 60)
    for path in (scratch_now.parent, part_now):
        aged(path, DAY - 60)
    assert sweep_scratch() == 2
    assert scratch_now.exists() and part_now.exists() and kept.exists()
    assert not scratch_then.parent.exists() and not part_then.exists()


def test_a_killed_process_does_leave_its_folder(settings):
    """What the sweep is for."""
    code = (
        "import os, signal; from annotations.scratch import scratch_folder\n"
        "with scratch_folder('fetch'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {
        **os.environ,
        "SCRATCH_DIR": str(settings.SCRATCH_DIR),
        "DJANGO_SETTINGS_MODULE": "juice.settings",
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    (left,) = settings.SCRATCH_DIR.iterdir()
    aged(left, DAY + 60)
    worker_ready.send(sender=celery.app)
    assert not left.exists()


def test_nothing_is_there_to_sweep():
    assert sweep_scratch() == 0
