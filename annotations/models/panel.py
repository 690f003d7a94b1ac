"""Where a study's raters come from: a panel, personal invites, or whoever has the link."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from annotations.enums import RaterOutcome
from annotations.models.rating import Rater
from annotations.models.study import Study, new_completion_code, new_token
from annotations.panels import PANELS, Entry, Panel, PanelSpec, check_return_link

environment_name = RegexValidator(
    r"^[A-Z][A-Z0-9_]*$",
    "Give the name of an environment variable, such as PROLIFIC_WEBHOOK_SECRET; never the secret.",
)
parameter_name = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_-]*$", "Give the name of a parameter, such as participant_id."
)
code_letters = RegexValidator(
    r"^[A-Za-z0-9_-]+$", "Codes have letters, digits, - and _ only: they go into an address."
)


CODE_FIELDS = {
    RaterOutcome.SCREENED_OUT: "screened_out_code",
    RaterOutcome.FAILED_CHECK: "failed_check_code",
    RaterOutcome.NO_CONSENT: "no_consent_code",
    RaterOutcome.OVER_QUOTA: "over_quota_code",
    RaterOutcome.NOTHING_JUDGED: "nothing_judged_code",
    RaterOutcome.SKIP_LIMIT: "skip_limit_code",
    RaterOutcome.EXCLUDED: "excluded_code",
}


def code_field(help_text: str) -> Any:
    return models.CharField(
        max_length=40, default=new_completion_code, validators=[code_letters], help_text=help_text
    )


class Recruitment(models.Model):
    """How raters come to a study, what they are sent back with, and who may enter when."""

    study = models.OneToOneField(Study, models.CASCADE, related_name="recruitment", editable=False)
    panel = models.CharField(
        max_length=10,
        choices=Panel,
        default=Panel.PROLIFIC,
        help_text="Whose ids are read from the link. People without such an id are let in as well, "
        "unless “who may enter” says otherwise.",
    )
    id_parameter = models.CharField(
        max_length=60,
        blank=True,
        validators=[parameter_name],
        help_text="For another panel: the parameter of the link that holds a person's id, such as "
        "participant_id.",
    )
    return_link = models.CharField(
        max_length=500,
        blank=True,
        help_text="Where people go when they are done: the redirect address that the panel gives "
        "you, with {code}, {id} or {session} where these belong. https only. Prolific and MTurk "
        "need none.",
    )
    entry = models.CharField(
        max_length=10,
        choices=Entry,
        default=Entry.ANYONE,
        verbose_name="who may enter",
    )
    refused_studies = models.ManyToManyField(
        Study,
        blank=True,
        related_name="+",
        verbose_name="not for raters of",
        help_text="Who was given a comparison in one of these studies is not let in; people are "
        "known by their panel's id or their invite's name.",
    )
    opens_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Nothing is given out before; empty: as soon as it opens.",
    )
    closes_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Nothing is given out from then on; what a rater has in hand can be finished.",
    )
    max_share = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        verbose_name="largest share of one rater (%)",
        help_text="Of all the judgments that the study wants; empty: no limit. The number of "
        "comparisons per rater, if set, holds as well.",
    )
    screened_out_code = code_field(
        "For people who may not take part, or did not pass the qualification."
    )
    failed_check_code = code_field("For people who are stopped because they failed the checks.")
    no_consent_code = code_field("For people who do not agree to take part.")
    over_quota_code = code_field("For people who come when the study is full or closed.")
    nothing_judged_code = code_field("For people who skipped all that they were given.")
    skip_limit_code = code_field("For people who skipped more comparisons than the study allows.")
    excluded_code = code_field("For people whom you exclude, by hand or by rule, while at work.")
    webhook_secret_env = models.CharField(
        max_length=80,
        blank=True,
        validators=[environment_name],
        verbose_name="webhook secret variable",
        help_text="Name of the environment variable that holds the secret of Prolific's webhooks; "
        "empty: no webhook is taken.",
    )
    keeps_returned = models.BooleanField(
        default=False,
        verbose_name="keep the judgments of people who returned",
        help_text="Off: who returns a submission on Prolific has withdrawn, so their judgments are "
        "left out and their seats open for others. On: only what they hold is freed.",
    )
    description = models.TextField(
        blank=True, help_text="What people read on Prolific before they choose the study."
    )
    places = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How many people; empty: as many as the study's judgments need.",
    )
    estimated_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="What a person takes, from a pilot. Prolific may reject people who are "
        "exceptionally fast beside it.",
    )
    maximum_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="After which Prolific takes the place back; empty: Prolific's own limit.",
    )
    reward = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        verbose_name="reward (pence or cents)",
        help_text="For one person who is done.",
    )

    class Meta:
        verbose_name = "recruitment"
        constraints = [
            models.CheckConstraint(
                condition=Q(panel__in=Panel.values), name="recruitment_panel_is_known"
            ),
            models.CheckConstraint(
                condition=Q(entry__in=Entry.values), name="recruitment_entry_is_known"
            ),
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(closes_at__gt=F("opens_at")),
                name="recruitment_closes_after_it_opens",
            ),
            models.CheckConstraint(
                condition=Q(max_share=None) | Q(max_share__gte=1, max_share__lte=100),
                name="recruitment_share_is_a_percentage",
            ),
        ]

    def __str__(self) -> str:
        return f"recruitment of {self.study}"

    def clean(self) -> None:
        if self.panel == Panel.OTHER and not self.id_parameter:
            raise ValidationError({"id_parameter": "Another panel needs it."})
        if self.return_link:
            self._check_return_link()
        self._check_codes_differ()
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError({"closes_at": "The study would close before it opens."})

    def _check_codes_differ(self) -> None:
        """The panel pays by the code: one code must not stand for two outcomes."""
        taken = {self.study.completion_code}
        for name in CODE_FIELDS.values():
            code = getattr(self, name)
            if code in taken:
                raise ValidationError({name: "Another outcome has this code already."})
            taken.add(code)

    def _check_return_link(self) -> None:
        if not self.spec.takes_return_link:
            raise ValidationError(
                {"return_link": f"{self.get_panel_display()} has a way back of its own."}
            )
        try:
            check_return_link(self.return_link, self.spec)
        except ValidationError as error:
            raise ValidationError({"return_link": error.messages}) from error

    def code(self, outcome: RaterOutcome) -> str:
        """The completion code of an outcome; those who are done have the study's own."""
        name = CODE_FIELDS.get(outcome)
        return str(getattr(self, name)) if name else self.study.completion_code

    @property
    def spec(self) -> PanelSpec:
        return PANELS[self.panel]

    @property
    def rater_parameter(self) -> str:
        """The parameter of the link that holds a person's id."""
        return self.spec.id_parameter or self.id_parameter

    @property
    def is_framed(self) -> bool:
        """Whether the panel shows the study in a frame of its own page."""
        return self.panel == Panel.MTURK


class Invite(models.Model):
    """A personal link that opens a study as one rater."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="invites")
    label = models.CharField(
        max_length=120, blank=True, help_text="Whose link it is: a name or an address."
    )
    token = models.CharField(max_length=40, default=new_token, unique=True, editable=False)
    is_reusable = models.BooleanField(
        default=False, help_text="Opens on any device, any number of times; else once."
    )
    rater = models.OneToOneField(
        Rater, models.SET_NULL, null=True, blank=True, editable=False, related_name="invite"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "label"],
                condition=~Q(label="") & Q(revoked_at=None),
                name="invite_once_per_label",
            )
        ]

    def __str__(self) -> str:
        return self.label or f"invite {self.pk}"


class PanelEvent(models.Model):
    """A message of a panel about one of its people; each is taken once."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="panel_events")
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=60)
    external_session_id = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=40, blank=True)
    rater = models.ForeignKey(
        Rater, models.SET_NULL, null=True, blank=True, related_name="panel_events"
    )
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "event_id"], name="panel_event_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"
