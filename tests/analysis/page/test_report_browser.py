"""The report in a real Chromium, from the disk, under its own strict policy."""

import os
import re
import shutil
import subprocess

import pytest

from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.page.html import render_report
from analysis.votes.readers import read_votes
from tests.analysis.studies import EXAMPLES

pytestmark = pytest.mark.browser


def chromium_path():
    from tests.browser.conftest import found_chromium

    return os.environ.get("CHROMIUM") or shutil.which("chromium") or found_chromium()


def opened(page, folder):
    """The page after its scripts have run, and what it wrote to the console."""
    file = folder / "report.html"
    file.write_text(page)
    command = [chromium_path(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=8000", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page():
    votes = read_votes(EXAMPLES / "judgments.csv").votes
    settings = ReportSettings("Example", 5, ties_allowed=False, bootstrap_draws=100)
    return render_report(build_report(votes, settings=settings))


def test_the_charts_are_drawn_without_an_error(page, tmp_path):
    drawn, said = opened(page, tmp_path)
    assert said == []
    assert drawn.count('class="chart js-plotly-plot"') == 4
    assert "90.9\u202f%" in drawn and "pixel sharpness" in drawn


def test_tables_with_three_rows_can_be_sorted(page, tmp_path):
    drawn, _ = opened(page, tmp_path)
    assert '<th scope="col"><button type="button">Reason</button></th>' in drawn


def test_embedded_clips_may_play_together(page, tmp_path):
    figure = '<figure><video src="data:video/mp4;base64,AAAA"></video></figure>'
    slot = re.compile('<div class="example__clips" data-comparison="[^"]*"></div>')
    clips = f'<div class="example__clips">{figure}{figure}</div>'
    drawn, said = opened(slot.sub(clips, page, count=1), tmp_path)
    assert said == []
    assert drawn.count('<button type="button">Play both</button>') == 1


def test_a_script_that_is_not_ours_does_not_run(page, tmp_path):
    evil = "<script>document.title = 'taken over'</script></body>"
    drawn, said = opened(page.replace("</body>", evil), tmp_path)
    assert "<title>Example - report</title>" in drawn
    assert "Content Security Policy" in said[0]


def test_a_folded_chart_is_drawn_when_it_is_opened(page, tmp_path):
    folded = page.replace('<figure class="wide">', '<details class="fold"><figure class="wide">')
    folded = folded.replace("</figure>", "</figure></details>")
    drawn, said = opened(folded, tmp_path)
    assert (said, drawn.count('class="chart js-plotly-plot"')) == ([], 0)
    drawn, _ = opened(folded.replace('class="fold"', 'class="fold" open'), tmp_path)
    assert drawn.count('class="chart js-plotly-plot"') == 4
