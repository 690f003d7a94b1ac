"""Values of a report as its templates print them: the words of `analysis.page.words`."""

from __future__ import annotations

from django import template

from analysis.page import words

register = template.Library()

for write in (
    words.axis_words,
    words.decimal,
    words.decimal_interval,
    words.p_value,
    words.percent,
    words.percent_interval,
    words.time_words,
    words.whole,
    words.why_undefined,
):
    register.filter(write.__name__, write)
