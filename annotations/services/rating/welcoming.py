"""What a study tells people before they start: the first page, for pages and other front ends."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from annotations.enums import AudioPolicy, Protocol
from annotations.models import Axis, Study
from annotations.services.rating.asking import media_of
from annotations.services.rating.explaining import has_examples
from annotations.services.rating.stages import axes_of
from annotations.services.studies.texts import OwnText, own_text


@dataclass(frozen=True)
class Advice:
    title: str
    text: str


@dataclass(frozen=True)
class Announced:
    """A question that will be asked, with the reasons that can be ticked."""

    key: str
    text: OwnText
    shows_prompt: bool
    reasons: tuple[OwnText, ...]


@dataclass(frozen=True)
class Welcome:
    """The first page of a study.

    Attributes
    ----------
    instructions
        The study's own; where it has none, `lead` and `advice` are the standard ones.
    consent
        What is agreed to by joining; empty where nothing is asked.
    """

    slug: str
    title: OwnText
    kind: str
    media: str
    content_warning: OwnText
    instructions: OwnText
    lead: str
    advice: tuple[Advice, ...]
    consent: OwnText
    questions: tuple[Announced, ...]
    languages: tuple[str, ...]
    has_examples: bool


def welcome_to(study: Study) -> Welcome:
    """The first page of the study, in the language of the moment."""
    axes = axes_of(study)
    own = own_text(study, "instructions")
    return Welcome(
        slug=study.slug,
        title=own_text(study, "title"),
        kind=study.kind,
        media=media_of(study),
        content_warning=own_text(study, "content_warning"),
        instructions=own,
        lead="" if own else _lead(study),
        advice=() if own else _advice(study, axes),
        consent=own_text(study, "consent"),
        questions=tuple(_announced(study, axis) for axis in axes),
        languages=tuple(study.offered_languages()),
        has_examples=has_examples(study),
    )


def _announced(study: Study, axis: Axis) -> Announced:
    reasons = () if study.protocol == Protocol.PLAIN else axis.reasons.all()
    return Announced(
        key=axis.key,
        text=own_text(axis),
        shows_prompt=axis.shows_prompt,
        reasons=tuple(own_text(reason) for reason in reasons),
    )


def _lead(study: Study) -> str:
    if study.is_image_study:
        return _("You will see two images at a time. Look at both, then choose.")
    if study.audio == AudioPolicy.NORMALISED:
        return _(
            "You will see two short videos at a time. They play together; where they have sound, "
            "you hear one side at a time. Use headphones. Watch both to the end, as often as you "
            "like, then choose."
        )
    return _(
        "You will see two short videos at a time. They play together, without sound. Watch both "
        "to the end, as often as you like, then choose."
    )


def _advice(study: Study, axes: list[Axis]) -> tuple[Advice, ...]:
    hides_text_first = {axis.shows_prompt for axis in axes} == {False, True}
    no_right_answer = Advice(
        _("There is no right answer."),
        _("We want to know what you see. If it is close, go with the one you would rather have."),
    )
    reasons_matter = Advice(
        _("The reasons matter as much as the choice."),
        _("Tick every reason that made you choose, and none that did not."),
    )
    text_comes_later = Advice(
        _("First without the text, then with it."),
        _(
            "Only after your first answer do you see the text that the two were made from. Then "
            "you say which one follows it better; that may well be the other one."
        ),
    )
    sides_are_random = Advice(
        _("Sides are random."),
        _(
            "What is on the left in one pair may be on the right in the next, so the side means "
            "nothing."
        ),
    )
    return (
        no_right_answer,
        *([reasons_matter] if study.protocol != Protocol.PLAIN else []),
        *([text_comes_later] if hides_text_first else []),
        sides_are_random,
    )
