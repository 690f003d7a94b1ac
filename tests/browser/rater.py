"""A rater at the browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect


class RaterAtBrowser:
    def __init__(self, page: Page, site: str, slug: str) -> None:
        self.page, self.site, self.slug = page, site, slug

    def start(self, **panel: str) -> None:
        query = "&".join(f"{name}={value}" for name, value in panel.items())
        self.page.goto(f"{self.site}/s/{self.slug}/?{query}")
        self.page.get_by_role("button", name="Start").click()
        self.page.wait_for_url("**/rate/")

    def wait_until_seen(self) -> None:
        """Both clips were seen once in full, and choices are open."""
        # Until the page's scripts have run, the choices of a page without scripts stand there.
        self.page.wait_for_load_state("domcontentloaded")
        radio = self.page.locator("input[name^=choice-]").first
        expect(radio).to_be_enabled()

    def choose(self, axis: str, side: str, *reasons: str) -> None:
        self.page.locator(f"label:has(input[name=choice-{axis}][value={side}])").click()
        for reason in reasons:
            self.page.locator(f"label:has(input[name=reason-{axis}][value={reason}])").click()

    def send(self) -> None:
        self.page.locator("[data-next]").click()

    def assignment(self) -> str:
        return self.page.locator("[data-assignment]").get_attribute("data-assignment") or ""

    def judge(self, quality: str, faithfulness: str) -> None:
        """One comparison, from watching to the next page."""
        before = self.assignment()
        self.wait_until_seen()
        self.choose("quality", quality, "pixel-sharpness")
        self.send()
        self.page.locator("input[name=choice-faithfulness]").first.wait_for(state="attached")
        self.choose("faithfulness", faithfulness, "spatial-text-alignment")
        self.send()
        self.page.wait_for_function(
            "before => document.querySelector('[data-assignment]')?.dataset.assignment !== before",
            arg=before,
        )
