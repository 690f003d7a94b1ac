"""The functions under test. Nothing else here knows in which module they stand."""

from annotations.services.clips.roster import put_in
from annotations.services.pairs.books import check_books
from annotations.services.pairs.extending import want_more_raters
from annotations.services.pairs.preparing import sync_comparisons
from annotations.services.pairs.withdrawing import withdraw_comparison
from annotations.services.raters.endings import exclude_rater
from annotations.services.raters.joining import join_study, sign_rater
from annotations.services.raters.panel_events import SignedMessage, receive_event, sign_message
from annotations.services.rating.claiming import (
    claim_ahead,
    claim_assignment,
    release_overdue_leases,
    renew_lease,
)
from annotations.services.rating.conduct import exclude_by_rule
from annotations.services.rating.revising import revise_answers
from annotations.services.rating.skipping import skip_assignment
from annotations.services.rating.submitting import Answer, save_draft, submit_answers
from annotations.services.studies.states import close_study, open_study, pause_study

__all__ = [
    "Answer",
    "SignedMessage",
    "check_books",
    "claim_ahead",
    "claim_assignment",
    "close_study",
    "exclude_by_rule",
    "exclude_rater",
    "join_study",
    "open_study",
    "pause_study",
    "put_in",
    "receive_event",
    "release_overdue_leases",
    "renew_lease",
    "revise_answers",
    "save_draft",
    "sign_message",
    "sign_rater",
    "skip_assignment",
    "submit_answers",
    "sync_comparisons",
    "want_more_raters",
    "withdraw_comparison",
]
