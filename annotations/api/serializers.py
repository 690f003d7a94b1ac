"""The shape of what the API takes and gives; rules live in the services."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotations.enums import SkipReason
from annotations.inputs import LARGEST_FACTS, read_text
from annotations.models import Judgment, Study
from annotations.services.rating.asking import Ahead, Asked, Question
from annotations.services.rating.explaining import Feedback, ReasonExample
from annotations.services.rating.stages import MAX_NOTE_LENGTH, Answer
from annotations.services.rating.turns import TurnKind
from annotations.views.addresses import clip_addresses, source_address

HasClips = Asked | Ahead | Feedback | ReasonExample


class JoinSerializer(serializers.Serializer[Any]):
    external_id = serializers.CharField(required=False, max_length=120, default="")
    external_study_id = serializers.CharField(required=False, max_length=120, default="")
    external_session_id = serializers.CharField(required=False, max_length=120, default="")
    invite = serializers.CharField(
        required=False, max_length=40, default="", help_text="The token of a personal invite."
    )
    consent = serializers.BooleanField(
        required=False, default=False, help_text="Whether the rater agreed, where the study asks."
    )


class CredentialSerializer(serializers.Serializer[Any]):
    credential = serializers.CharField(help_text="Send it as `Authorization: Rater <credential>`.")


class AnswerSerializer(serializers.Serializer[Any]):
    axis = serializers.CharField(max_length=60)
    choice = serializers.CharField(
        max_length=40, help_text="The side that was pressed: `left`, `right`, or `tie`."
    )
    reasons = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, default=list
    )
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_NOTE_LENGTH
    )


class DraftSerializer(serializers.Serializer[Any]):
    answers = AnswerSerializer(many=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        answers = [Answer(**raw | {"reasons": tuple(raw["reasons"])}) for raw in values["answers"]]
        return {**values, "answers": answers}


class SubmissionSerializer(DraftSerializer):
    submission_id = serializers.UUIDField(
        help_text="Made by the client; the same id makes a repeat harmless."
    )
    playback = serializers.DictField(required=False, default=dict)

    def validate_playback(self, value: dict[str, Any]) -> dict[str, Any]:
        read_text(json.dumps(value), what="“playback”", longest=LARGEST_FACTS)
        return value


class LastStageSerializer(SubmissionSerializer):
    next = serializers.BooleanField(
        required=False, default=False, help_text="Whether to be told what comes next, too."
    )


class SkipSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=SkipReason.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class OptionSerializer(serializers.Serializer[Any]):
    value = serializers.CharField(help_text="What is sent.")
    label = serializers.CharField(help_text="What raters read.")  # type: ignore[assignment]


class ReasonSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    language = serializers.CharField(source="label.language")
    number = serializers.IntegerField(help_text="Counted on over the comparison's questions.")


class GivenSerializer(serializers.Serializer[Any]):
    choice = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField()


class QuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    number = serializers.IntegerField()
    question = serializers.CharField(source="text")
    language = serializers.CharField(source="text.language", help_text="That the question is in.")
    choices = serializers.SerializerMethodField()
    options = OptionSerializer(many=True, source="choices", help_text="The choices with labels.")
    needs_reason = serializers.BooleanField()
    reasons = ReasonSerializer(many=True, help_text="In the order in which this rater sees them.")
    answer = GivenSerializer(allow_null=True, help_text="The rater's own, where it is changed.")

    def get_choices(self, question: Question) -> list[str]:
        return [choice.value for choice in question.choices]


class AnsweredSerializer(serializers.Serializer[Any]):
    """A question of this comparison that is answered, and stands."""

    key = serializers.CharField()
    number = serializers.IntegerField()
    question = serializers.CharField(source="text")
    language = serializers.CharField(source="text.language")
    choice = OptionSerializer()
    reasons = ReasonSerializer(many=True)
    note = serializers.CharField()


class ScoreSerializer(serializers.Serializer[Any]):
    right = serializers.IntegerField()
    answered = serializers.IntegerField()


class LessonSerializer(serializers.Serializer[Any]):
    role = serializers.CharField(help_text="`practice` or `qualification`.")
    number = serializers.IntegerField()
    total = serializers.IntegerField()
    occasion = serializers.IntegerField(help_text="The try: 1 at first.")
    earlier = ScoreSerializer(allow_null=True, help_text="The score of the try before.")


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    number = serializers.IntegerField()
    percent = serializers.IntegerField()
    minutes_left = serializers.IntegerField(allow_null=True)


class ClipsSerializer(serializers.Serializer[Any]):
    """Where the two clips are, for the rater's own credential."""

    left_url = serializers.SerializerMethodField()
    right_url = serializers.SerializerMethodField()

    def get_left_url(self, instance: HasClips) -> str:
        return clip_addresses(instance.clips)["left"]

    def get_right_url(self, instance: HasClips) -> str:
        return clip_addresses(instance.clips)["right"]


class SourceSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    kind = serializers.CharField(help_text="`image` or `video`.")


class AssignmentSerializer(ClipsSerializer):
    """What is asked of the rater now: an `Asked`. Sides, never models."""

    id = serializers.UUIDField()
    study = serializers.CharField()
    kind = serializers.CharField(help_text="The study's kind, such as `text-to-video`.")
    media = serializers.CharField(help_text="`video` or `image`.")
    viewing = serializers.CharField(help_text="`simultaneous`, `sequential` or `toggle`.")
    must_watch = serializers.BooleanField(help_text="Let choose when both were seen in full once.")
    break_minutes = serializers.IntegerField(help_text="Suggest a break after so many; 0: never.")
    lease_expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until when it is kept; null for one that is asked again."
    )
    has_sound = serializers.BooleanField()
    seam_seconds = serializers.FloatField(
        allow_null=True, help_text="When the past clip ends in both, in a video extension."
    )
    stage = serializers.CharField(help_text="`blind` without the prompt, `open` with it.")
    prompt = serializers.CharField(
        allow_null=True, help_text="Null until the questions without the prompt are answered."
    )
    source = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="What both were made from; null before the prompt is shown, and without one."
    )
    questions = QuestionSerializer(many=True, help_text="The questions that are open now.")
    answered = AnsweredSerializer(many=True, help_text="Answered before the prompt was shown.")
    later = serializers.ListField(
        child=serializers.IntegerField(), help_text="Numbers of the questions that come next."
    )
    is_last_stage = serializers.BooleanField(help_text="Submit if true; else send a draft.")
    is_revision = serializers.BooleanField()
    can_go_back = serializers.BooleanField()
    is_warned = serializers.BooleanField(help_text="The rater failed checks just now.")
    lesson = LessonSerializer(allow_null=True, help_text="Of a pair before the start.")
    progress = ProgressSerializer()
    skip_reasons = OptionSerializer(many=True)
    skips_left = serializers.IntegerField(
        allow_null=True, help_text="The skip after these ends the rater's part; null: no limit."
    )
    max_note_length = serializers.IntegerField()

    @extend_schema_field(SourceSerializer(allow_null=True))
    def get_source(self, asked: Asked) -> dict[str, str] | None:
        if asked.source is None:
            return None
        return {"url": source_address(asked), "kind": asked.source.kind}


class ExplainedSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    question = serializers.CharField(source="text")
    language = serializers.CharField(source="text.language")
    expected = serializers.CharField()
    given = OptionSerializer()
    is_right = serializers.BooleanField()


class FeedbackSerializer(ClipsSerializer):
    """The answer to a practice pair, beside the rater's own."""

    id = serializers.UUIDField()
    media = serializers.CharField()
    prompt = serializers.CharField()
    is_right = serializers.BooleanField()
    answers = ExplainedSerializer(many=True)
    explanation = serializers.CharField()


class WinnerSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(source="text")
    language = serializers.CharField(source="text.language")
    side = serializers.CharField()


class ExampleSerializer(ClipsSerializer):
    prompt = serializers.CharField()
    winners = WinnerSerializer(many=True)
    explanation = serializers.CharField()


class ExampleGroupSerializer(serializers.Serializer[Any]):
    """Examples that were decided by one reason."""

    reason = serializers.CharField(help_text="Its key; empty: all in all.")
    label = serializers.CharField()  # type: ignore[assignment]
    language = serializers.CharField(source="label.language")
    media = serializers.CharField()
    examples = ExampleSerializer(many=True)


class OwnTextSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(source="*")
    language = serializers.CharField()


class AdviceSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    text = serializers.CharField()


class AnnouncedSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    question = serializers.CharField(source="text")
    language = serializers.CharField(source="text.language")
    shows_prompt = serializers.BooleanField(help_text="Whether it is asked with the prompt shown.")
    reasons = OwnTextSerializer(many=True)


class WelcomeSerializer(serializers.Serializer[Any]):
    """What people are told before they join. Texts are empty where the study has none."""

    slug = serializers.CharField()
    title = OwnTextSerializer()
    kind = serializers.CharField()
    media = serializers.CharField()
    content_warning = OwnTextSerializer()
    instructions = OwnTextSerializer(help_text="The study's own; if empty, lead and advice hold.")
    lead = serializers.CharField()
    advice = AdviceSerializer(many=True)
    consent = OwnTextSerializer(help_text="If not empty, join with `consent: true`.")
    questions = AnnouncedSerializer(many=True)
    languages = serializers.ListField(child=serializers.CharField())
    has_examples = serializers.BooleanField()


class WayBackSerializer(serializers.Serializer[Any]):
    """How a person goes back to the panel; empty texts where there is no such way."""

    code = serializers.CharField(help_text="The completion code of this outcome.")
    link = serializers.CharField(help_text="The panel's address, with the code in it.")
    home = serializers.CharField(help_text="The panel's own site, where no code is given.")
    submit_to = serializers.CharField(help_text="Where MTurk takes the finished work by POST.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(), help_text="What is posted there."
    )


class EndingSerializer(serializers.Serializer[Any]):
    """What is said to a rater who is given no pair, in the rater's language."""

    kind = serializers.CharField(
        help_text="An outcome such as `done` or `skip-limit`; `waiting`; or `invite-withdrawn`."
    )
    title = serializers.CharField()
    text = serializers.CharField(help_text="What happened.")
    gets = serializers.CharField(help_text="What the rater gets or can do.")
    note = serializers.CharField()
    may_come_back = serializers.BooleanField()
    way_back = WayBackSerializer()


class TurnSerializer(serializers.Serializer[Any]):
    """What comes next: `assignment` for `pair`, else `ending`."""

    turn = serializers.ChoiceField(choices=[kind.value for kind in TurnKind], source="kind")
    assignment = AssignmentSerializer(allow_null=True)
    ending = EndingSerializer(allow_null=True)


class SavedSerializer(serializers.Serializer[Any]):
    saved = serializers.BooleanField()
    submitted_at = serializers.DateTimeField()
    feedback_url = serializers.CharField(
        allow_null=True, help_text="Where the answer to a practice pair is told; else null."
    )
    next = TurnSerializer(allow_null=True, help_text="As `claim` answers; null if not asked for.")


class StudySerializer(serializers.ModelSerializer[Study]):
    models = serializers.SerializerMethodField()
    comparisons = serializers.IntegerField(source="comparison_count", read_only=True)
    submitted = serializers.IntegerField(source="submitted_count", read_only=True)

    class Meta:
        model = Study
        fields = [
            "slug",
            "title",
            "kind",
            "state",
            "protocol",
            "tie_policy",
            "reason_order",
            "presentation_profile",
            "pairing",
            "raters_per_comparison",
            "planned_comparisons",
            "stopping_rule",
            "models",
            "comparisons",
            "submitted",
            "created_at",
            "opened_at",
            "closed_at",
        ]

    def get_models(self, study: Study) -> list[str]:
        return [row.model.name for row in study.study_models.all()]


class JudgmentSerializer(serializers.ModelSerializer[Judgment]):
    comparison = serializers.IntegerField(source="assignment.comparison_id")
    prompt_id = serializers.CharField(source="assignment.comparison.prompt.key")
    model_a = serializers.CharField(source="assignment.comparison.stimulus_a.model.name")
    model_b = serializers.CharField(source="assignment.comparison.stimulus_b.model.name")
    axis = serializers.CharField(source="axis.key")
    reasons = serializers.SlugRelatedField[Any](many=True, read_only=True, slug_field="key")
    rater = serializers.IntegerField(source="assignment.rater_id")
    side_a = serializers.CharField(source="assignment.side_a")
    submitted_at = serializers.DateTimeField(source="assignment.submitted_at")

    class Meta:
        model = Judgment
        fields = [
            "id",
            "comparison",
            "prompt_id",
            "model_a",
            "model_b",
            "axis",
            "choice",
            "reasons",
            "reason_order",
            "note",
            "rater",
            "side_a",
            "submitted_at",
        ]
