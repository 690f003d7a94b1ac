"""The first command of the README: from nothing to links that open."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scripts.services import free_port

pytestmark = [
    pytest.mark.live,
    pytest.mark.sqlite,
    pytest.mark.xdist_group("live"),
    pytest.mark.timeout(600),
]

ROOT = Path(__file__).resolve().parents[2]
# What the demo sets for itself, and what would point it at a server of the tests.
NOT_OF_THE_DEMO = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


def test_the_demo_ends_with_links_that_open_and_stops_when_asked(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in NOT_OF_THE_DEMO}
    environment |= {"PORT": str(free_port()), "VAR_DIR": str(tmp_path)}
    demo = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    try:
        said = []
        for line in demo.stdout:
            said.append(line)
            if line.startswith("Ready:"):
                break
        links = re.findall(r"https?://\S+", "".join(said))
        # A live study, one of each of five kinds, the owner's pages, a report, and the site.
        assert len(links) == 9, said
        assert {httpx.get(link, follow_redirects=True).status_code for link in links} == {200}
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)
    assert demo.returncode == 0
