"""A real Chromium. Its path comes from CHROMIUM, or from what `scripts.services` finds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, get_ident, main_thread

import pytest
from django.core.signals import request_finished, request_started
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from tests.annotations.factories import NOW

# Playwright's own event loop runs in this thread; the tests' database calls are still sync.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# What is waited for comes when it comes: the limit is for what never does, not for slow machines.
PATIENCE_MS = 90_000
expect.set_options(timeout=PATIENCE_MS)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


def found_chromium() -> str:
    from scripts.services import find_chromium

    return str(find_chromium())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or found_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


OpenContext = Callable[..., BrowserContext]


@contextmanager
def noted_answers() -> Iterator[set[int]]:
    """The threads of the live server that are answering something."""
    under_way: set[int] = set()

    def begin(**_: object) -> None:
        if current_thread() is not main_thread():
            under_way.add(get_ident())

    def end(**_: object) -> None:
        under_way.discard(get_ident())

    request_started.connect(begin)
    request_finished.connect(end)
    try:
        yield under_way
    finally:
        request_started.disconnect(begin)
        request_finished.disconnect(end)


def wait_for_the_last(under_way: set[int], seconds: float = 30.0) -> None:
    """What is still answered must be over when the tables are locked to be emptied."""
    give_up_at = time.monotonic() + seconds
    quiet_since = time.monotonic()
    while time.monotonic() < min(quiet_since + 0.2, give_up_at):
        if under_way:
            quiet_since = time.monotonic()
        time.sleep(0.02)


@pytest.fixture
def open_context(chromium: Browser, live_server: object) -> Iterator[OpenContext]:
    """Open a browser profile of its own; all are closed before the database is emptied."""
    contexts: list[BrowserContext] = []

    def open_one(viewport: dict[str, int] = DESKTOP, **options: object) -> BrowserContext:
        context = chromium.new_context(viewport=viewport, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context

    with noted_answers() as under_way:
        yield open_one
        for context in contexts:
            context.close()
        wait_for_the_last(under_way)


@pytest.fixture
def page(open_context: OpenContext) -> Iterator[Page]:
    """A desktop page that must stay free of errors in its console."""
    page = open_context().new_page()
    errors = collect_errors(page)
    yield page
    assert errors == []


def stop_clock(page: Page) -> Page:
    """From now on a page's time passes only when a test says so, however slow the machine is."""
    page.clock.install(time=NOW)
    page.clock.pause_at(NOW.timestamp() + 1)
    return page


def let_pass(one: Locator, milliseconds: int) -> None:
    """Let a page ask again, and wait until what came has taken the place of this element."""
    one.evaluate("one => (one.dataset.mark = 'before')")
    one.page.clock.run_for(milliseconds)
    expect(one.page.locator("[data-mark]")).to_have_count(0)


def collect_errors(page: Page) -> list[str]:
    errors: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location['url']})")

    page.on("console", keep)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
