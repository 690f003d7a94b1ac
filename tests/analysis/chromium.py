"""Where the tests of reports find a Chromium."""

import os
import shutil


def chromium_path() -> str:
    from tests.browser.conftest import found_chromium

    return os.environ.get("CHROMIUM") or shutil.which("chromium") or found_chromium()
