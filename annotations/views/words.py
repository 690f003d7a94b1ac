"""What the rating page's scripts say. They read it from the page, where it is as JSON.

A word in braces is filled in by the script: see `static/rater/words.js`.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SCRIPT_WORDS = {
    "saved": _("Saved"),
    "saving": _("Saving…"),
    "lineDown": _(
        "Not sent yet: there is no connection. Your answer is kept on this device; next try in "
        "{seconds} s."
    ),
    "serverBusy": _(
        "Not sent yet: the server is busy. Your answer is kept on this device; next try in "
        "{seconds} s."
    ),
    "gaveUp": _(
        "Not sent: the server has not answered so far. Your answer is kept on this device. Look at "
        "your connection, wait a little, and try again."
    ),
    "serverFault": _(
        "Not saved: something went wrong on the server. Your answer is kept on this device. Try "
        "again in a minute; if it happens again, tell the people who run the study."
    ),
    "outOfDate": _(
        "This could not be saved because the page is out of date. Load it again; your answer is "
        "kept on this device."
    ),
    "loadAgain": _("Load again"),
    "textShown": _("Saved. Now the text is shown."),
    "choose": _("Both clips seen. You can choose now."),
    "toWatch": _("Watch both clips once: {seconds} s left"),
    "loading": _("The clips are loading."),
    "failed": _("Choices open when the clips have loaded and were seen once."),
    "seeBoth": _("Look at both images: press the switch to see the other one."),
    "blocked": _("Press Play to start both clips."),
    "missing": _("Still missing: {parts}"),
    "choiceFor": _("a choice for {number}"),
    "reasonFor": _("a reason for {number}"),
    "bothFor": _("a choice and a reason for {number}"),
    "chosen": _("{label} chosen"),
    "ticked": _("{label} ticked"),
    "unticked": _("{label} not ticked"),
    "clock": _("{now} / {total} s"),
}
