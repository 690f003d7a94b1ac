"""The shape of what the API takes and gives; rules live in the services."""

import json
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from annotations.enums import SkipReason
from annotations.inputs import LARGEST_FACTS, read_text
from annotations.models import Assignment, Judgment, Study
from annotations.services.rating.submitting import (
    MAX_NOTE_LENGTH,
    Answer,
    allowed_choices,
    axes_of,
    needs_reason,
    open_axes,
    shows_prompt,
)
from annotations.services.studies.texts import own_text


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

    def answer_values(self) -> list[Answer]:
        return [
            Answer(
                axis=raw["axis"],
                choice=raw["choice"],
                reasons=tuple(raw["reasons"]),
                note=raw["note"],
            )
            for raw in self.validated_data["answers"]
        ]


class SubmissionSerializer(DraftSerializer):
    submission_id = serializers.UUIDField(
        help_text="Made by the client; the same id makes a repeat harmless."
    )
    playback = serializers.DictField(required=False, default=dict)

    def validate_playback(self, value: dict[str, Any]) -> dict[str, Any]:
        read_text(json.dumps(value), what="“playback”", longest=LARGEST_FACTS)
        return value


class ReasonSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class QuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    question = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())
    needs_reason = serializers.BooleanField()
    reasons = ReasonSerializer(many=True)


class SkipSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=SkipReason.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class AssignmentSerializer(serializers.Serializer[Any]):
    """A comparison as its rater may see it: sides, never models."""

    id = serializers.UUIDField()
    lease_expires_at = serializers.DateTimeField()
    left_url = serializers.CharField()
    right_url = serializers.CharField()
    prompt = serializers.CharField(
        allow_null=True, help_text="Null until the questions without the prompt are answered."
    )
    questions = QuestionSerializer(many=True, help_text="The questions that are open now.")

    def to_representation(self, instance: Assignment) -> dict[str, Any]:
        study = instance.comparison.study
        axes = axes_of(study)
        seen = shows_prompt(instance, axes)
        return {
            "id": str(instance.public_id),
            "lease_expires_at": instance.lease_expires_at.isoformat(),
            "left_url": reverse("stimulus-media", args=[instance.left_token]),
            "right_url": reverse("stimulus-media", args=[instance.right_token]),
            "prompt": instance.comparison.prompt.text if seen else None,
            "questions": [
                {
                    "key": axis.key,
                    "question": own_text(axis),
                    "choices": allowed_choices(study),
                    "needs_reason": needs_reason(study) and bool(axis.reasons.all()),
                    "reasons": [
                        {"key": reason.key, "label": own_text(reason)}
                        for reason in axis.reasons.all()
                    ],
                }
                for axis in open_axes(instance, axes)
            ],
        }


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
            "note",
            "rater",
            "side_a",
            "submitted_at",
        ]
