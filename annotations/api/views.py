"""The JSON API: claim and submit for other front ends, studies and judgments for owners."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.api import serializers
from annotations.api.problems import PROBLEM_JSON, REFUSALS, ProblemSerializer, refusals
from annotations.errors import AssignmentNotFound
from annotations.models import Judgment, Rater, Study
from annotations.rater_session import rater_credential
from annotations.services.raters.entry import PanelIdentity
from annotations.services.raters.joining import (
    find_rater,
    join_study,
    recognise_rater,
    sign_rater,
)
from annotations.services.rating.asking import ask, ask_again, show, tell_ahead
from annotations.services.rating.claiming import claim_ahead, renew_lease
from annotations.services.rating.explaining import examples_of, explained_assignment, feedback_on
from annotations.services.rating.revising import revise_answers
from annotations.services.rating.skipping import skip_assignment
from annotations.services.rating.stages import is_explained, previous_assignment
from annotations.services.rating.submitting import save_draft, submit_answers
from annotations.services.rating.turns import Turn, next_turn
from annotations.services.rating.welcoming import welcome_to
from annotations.views.language import language_of

RNG = random.SystemRandom()
UNKNOWN = "Send `Authorization: Rater <credential>` from joining."


class RaterView(APIView):
    """A view for raters, who present `Authorization: Rater <credential>`."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]

    find: Callable[[str], Rater | None] = staticmethod(find_rater)
    presented: Rater | None = None
    """Whose credential the request has; read once, when it comes in."""

    def rater(self) -> Rater:
        if self.presented is None:
            raise AuthenticationFailed(UNKNOWN)
        return self.presented

    def rater_of(self, slug: str) -> Rater:
        """The rater, in the study of the address; 404 in another one."""
        rater = self.rater()
        if rater.study.slug != slug:
            raise Http404
        return rater

    def get_authenticate_header(self, request: Request) -> str:
        return "Rater"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """In the language that the front end asks for, as far as the study offers it."""
        self.presented = self.find(rater_credential(request))
        study = _study_spoken_of(self.presented, kwargs)
        if study is None:
            return super().dispatch(request, *args, **kwargs)
        with override(language_of(request, study)):
            return super().dispatch(request, *args, **kwargs)


def _study_spoken_of(rater: Rater | None, kwargs: Mapping[str, Any]) -> Study | None:
    if rater is not None:
        return rater.study
    return Study.objects.filter(slug=kwargs.get("slug", "")).first()


# What raters send and get all the time: the fields are made once, not for each request.
TURN, ASSIGNMENT = serializers.TurnSerializer(), serializers.AssignmentSerializer()
DRAFT, LAST_STAGE = serializers.DraftSerializer(), serializers.LastStageSerializer()
SUBMISSION = serializers.SubmissionSerializer()


def tell(turn: Turn, *, now: datetime) -> Any:
    """A turn as the API says it."""
    asked = ask(show(turn.assignment), now=now) if turn.assignment is not None else None
    told = {"kind": turn.kind, "assignment": asked, "ending": turn.ending}
    return TURN.to_representation(told)


class WorkView(RaterView):
    """A view of the loop, whose service reads the rater and the study itself, and locks them."""

    find = staticmethod(recognise_rater)

    def handle_exception(self, exc: Exception) -> Response:
        """A rater who is gone since is nobody."""
        gone = isinstance(exc, Rater.DoesNotExist)
        return super().handle_exception(AuthenticationFailed(UNKNOWN) if gone else exc)


class WelcomeView(RaterView):
    @extend_schema(responses={200: serializers.WelcomeSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """What the study tells people before they join; nobody needs a credential for it."""
        study = get_object_or_404(Study, slug=slug)
        return Response(serializers.WelcomeSerializer(welcome_to(study)).data)


class JoinView(RaterView):
    @extend_schema(
        request=serializers.JoinSerializer,
        responses={
            201: serializers.CredentialSerializer,
            (403, PROBLEM_JSON): OpenApiResponse(ProblemSerializer, "May not take part."),
            **refusals(400, 409),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Take a rater into an open study."""
        study = get_object_or_404(Study, slug=slug)
        data = serializers.JoinSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        ids = dict(data.validated_data)
        now = timezone.now()
        rater = join_study(
            study=study,
            consented_at=now if ids.pop("consent") else None,
            invite=ids.pop("invite"),
            identity=PanelIdentity(**ids),
            now=now,
        )
        return Response({"credential": sign_rater(rater)}, status=status.HTTP_201_CREATED)


class ClaimView(WorkView):
    @extend_schema(
        request=None,
        responses={
            200: serializers.TurnSerializer,
            **refusals(401, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """What comes next: a pair to judge (the same one until it is answered), a wait, or the
        end with what the rater is told."""
        now = timezone.now()
        turn = next_turn(rater=self.rater_of(slug), now=now, rng=RNG)
        return Response(tell(turn, now=now))


class AheadView(RaterView):
    @extend_schema(
        request=None,
        responses={
            200: serializers.ClipsSerializer,
            204: OpenApiResponse(description="Nothing can be told ahead."),
            **refusals(401, 404, 409),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """The clips of the comparison after the one under way, to load them meanwhile."""
        rater = self.rater_of(slug)
        assignment = claim_ahead(rater=rater, now=timezone.now(), rng=RNG)
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(serializers.ClipsSerializer(tell_ahead(assignment)).data)


class BackView(RaterView):
    @extend_schema(
        responses={
            200: serializers.AssignmentSerializer,
            204: OpenApiResponse(description="There is nothing that may be changed."),
            **refusals(401, 404),
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """The last comparison with its answers, to change them by `revise`."""
        rater = self.rater_of(slug)
        assignment = previous_assignment(rater=rater, now=timezone.now())
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(serializers.AssignmentSerializer(ask_again(assignment)).data)


class ExamplesView(RaterView):
    @extend_schema(
        responses={
            200: serializers.ExampleGroupSerializer(many=True),
            **refusals(401, 404),
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """The study's examples with their answers, by reason; to be shown before the start."""
        groups = examples_of(self.rater_of(slug).study)
        return Response(serializers.ExampleGroupSerializer(groups, many=True).data)


class DraftView(WorkView):
    @extend_schema(
        request=serializers.DraftSerializer,
        responses={200: serializers.AssignmentSerializer, **REFUSALS},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Answer the questions that are asked without the prompt; the answer shows the prompt."""
        values = DRAFT.run_validation(request.data)
        now = timezone.now()
        assignment = save_draft(
            rater=self.rater(),
            public_id=public_id,
            answers=values["answers"],
            now=now,
        )
        return Response(ASSIGNMENT.to_representation(ask(assignment, now=now)))


class SubmitView(WorkView):
    @extend_schema(
        request=serializers.LastStageSerializer,
        responses={200: serializers.SavedSerializer, **REFUSALS},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Answer the remaining questions and save all judgments of the comparison."""
        values = LAST_STAGE.run_validation(request.data)
        now = timezone.now()
        assignment = submit_answers(
            rater=self.rater(),
            public_id=public_id,
            submission_id=values["submission_id"],
            answers=values["answers"],
            playback=values["playback"],
            now=now,
        )
        feedback = [assignment.public_id] if is_explained(assignment) else []
        # In a transaction of its own: what is saved stays saved.
        turn = next_turn(rater=assignment.rater, now=now, rng=RNG) if values["next"] else None
        return Response(
            {
                "saved": True,
                "submitted_at": assignment.submitted_at,
                "feedback_url": reverse("api-feedback", args=feedback) if feedback else None,
                "next": None if turn is None else tell(turn, now=now),
            }
        )


class FeedbackView(RaterView):
    @extend_schema(
        responses={
            200: serializers.FeedbackSerializer,
            **refusals(401, 404),
        }
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """The answer to a practice pair that the rater has judged."""
        assignment = explained_assignment(rater=self.rater(), public_id=public_id)
        if assignment is None:
            raise AssignmentNotFound
        return Response(serializers.FeedbackSerializer(feedback_on(assignment)).data)


class SkipView(RaterView):
    @extend_schema(
        request=serializers.SkipSerializer,
        responses={204: OpenApiResponse(description="Skipped."), **REFUSALS},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Pass the comparison by, with a reason; another rater gets it."""
        data = serializers.SkipSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        skip_assignment(
            rater=self.rater(),
            public_id=public_id,
            now=timezone.now(),
            **data.validated_data,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReviseView(RaterView):
    @extend_schema(
        request=serializers.SubmissionSerializer,
        responses={200: OpenApiResponse(description="Saved."), **REFUSALS},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Answer the last comparison anew, but not what was asked without the prompt."""
        values = SUBMISSION.run_validation(request.data)
        revise_answers(
            rater=self.rater(),
            public_id=public_id,
            submission_id=values["submission_id"],
            answers=values["answers"],
            now=timezone.now(),
        )
        return Response({"saved": True})


class RenewView(RaterView):
    @extend_schema(
        request=None,
        responses={200: OpenApiResponse(description="Renewed."), **refusals(401, 404, 409)},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Keep the comparison for this rater a while longer."""
        expires_at = renew_lease(rater=self.rater(), public_id=public_id, now=timezone.now())
        return Response({"lease_expires_at": expires_at})


class StudyListView(generics.ListAPIView[Study]):
    """The studies, newest first."""

    serializer_class = serializers.StudySerializer
    queryset = Study.objects.with_counts().prefetch_related("study_models__model")


class StudyView(generics.RetrieveAPIView[Study]):
    """One study."""

    serializer_class = serializers.StudySerializer
    queryset = Study.objects.with_counts().prefetch_related("study_models__model")
    lookup_field = "slug"


class JudgmentListView(generics.ListAPIView[Judgment]):
    """The judgments of a study, oldest first, in the comparisons' own order of models."""

    serializer_class = serializers.JudgmentSerializer

    def get_queryset(self) -> QuerySet[Judgment]:
        if getattr(self, "swagger_fake_view", False):
            return Judgment.objects.none()
        study = get_object_or_404(Study, slug=self.kwargs["slug"])
        return Judgment.objects.for_study(study.pk).with_context()
