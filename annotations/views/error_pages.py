"""The pages that raters get when something is wrong: in their language, with what to do."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

RATER_PATHS = ("/s/", "/m/")

ERROR_TITLES = {
    400: _("This cannot be read"),
    403: _("The page is out of date"),
    404: _("There is no such page"),
    500: _("Something went wrong on our side"),
    503: _("The server cannot answer at the moment"),
}
ERROR_TEXTS = {
    400: _(
        "Something in what your browser sent cannot be read. Please open the link that you were "
        "sent once more; what you have judged is saved."
    ),
    403: _(
        "Your browser sent it without the cookie of this site, or the page has been open for too "
        "long, so nothing was saved. Please allow cookies for this site, load the page again, and "
        "send it once more."
    ),
    404: _(
        "The address is not complete, or what was here is gone. Please open the link that you were "
        "sent once more; what you have judged is saved."
    ),
    500: _(
        "The server could not do this because of a fault in it; it has been noted. Please try "
        "again in a minute. If it happens again, tell the people who run the study."
    ),
    503: _(
        "A part of it is starting again, which mostly takes a few seconds. Please load the page "
        "again then; what you have judged is saved."
    ),
}


def is_for_raters(request: HttpRequest) -> bool:
    return request.path_info.startswith(RATER_PATHS)
