"""Signs of life of workers and beat, and what `/readyz` looks at."""

import os
import subprocess
import sys
import time

import pytest

from juice.liveness import WITHIN_SECONDS
from tests.processes import ROOT, running_stack
from tests.waiting import wait_for

LOOK = [sys.executable, "juice/liveness.py"]


def look(path) -> tuple[int, str]:
    given = {"PATH": os.environ["PATH"], "SIGN_OF_LIFE": str(path)}
    looked = subprocess.run(LOOK, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    return looked.returncode, looked.stderr.strip()


def test_a_process_without_a_recent_sign_is_ill(tmp_path):
    sign = tmp_path / "sign"
    assert look(sign) == (1, "The last sign of life was never.")
    sign.touch()
    assert look(sign) == (0, "")
    long_ago = time.time() - WITHIN_SECONDS - 3600
    os.utime(sign, (long_ago, long_ago))
    code, told = look(sign)
    assert (code, told.startswith("The last sign of life was 366")) == (1, True)
    assert look("") == (2, "SIGN_OF_LIFE names no file.")


@pytest.mark.live
@pytest.mark.xdist_group("live")
@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_worker_and_beat_go_on_giving_signs(tmp_path):
    signs = {name: tmp_path / f"{name}-sign" for name in ("worker", "beat")}
    with running_stack(tmp_path, worker=False) as stack:
        for name, start in (("worker", stack.start_worker), ("beat", stack.start_beat)):
            stack.environment["SIGN_OF_LIFE"] = str(signs[name])
            start()
        for _ in range(2):
            wait_for(lambda: all(sign.exists() for sign in signs.values()), "a sign of life")
            for sign in signs.values():
                sign.unlink()
        kept = [path.name for path in (tmp_path, ROOT) for path in path.glob("*schedule*")]
    assert kept == []


@pytest.mark.django_db
def test_a_disk_that_takes_no_files_is_not_ready(client, settings, tmp_path):
    assert client.get("/readyz").json()["checks"]["disk"] == "ok"
    assert list(settings.SCRATCH_DIR.glob("readyz-*")) == []
    settings.SCRATCH_DIR = tmp_path / "a file"
    settings.SCRATCH_DIR.write_text("no folder")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["disk"]) == (503, "failed: FileExistsError")


def test_uploads_are_kept_where_files_are_made(settings):
    from django.core.files.uploadedfile import TemporaryUploadedFile

    with TemporaryUploadedFile("clips.zip", "application/zip", 5_000_000, None) as upload:
        assert upload.temporary_file_path().startswith(str(settings.SCRATCH_DIR))
