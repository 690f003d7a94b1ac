"""The JSON API: claim and submit for other front ends, studies and judgments for owners."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
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
from annotations.errors import ShareReached
from annotations.models import Judgment, Rater, Study
from annotations.rater_session import rater_credential
from annotations.services.raters.entry import PanelIdentity
from annotations.services.raters.joining import find_rater, finish_rater, join_study, sign_rater
from annotations.services.rating.claiming import claim_assignment, renew_lease
from annotations.services.rating.revising import revise_answers
from annotations.services.rating.skipping import skip_assignment
from annotations.services.rating.submitting import save_draft, submit_answers
from annotations.views.language import language_of

RNG = random.SystemRandom()


class RaterView(APIView):
    """A view for raters, who present `Authorization: Rater <credential>`."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]

    def rater(self, request: Request) -> Rater:
        rater = find_rater(rater_credential(request._request))
        if rater is None:
            raise AuthenticationFailed("Send `Authorization: Rater <credential>` from joining.")
        return rater

    def get_authenticate_header(self, request: Request) -> str:
        return "Rater"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """In the language that the front end asks for, as far as the study offers it."""
        study = _study_spoken_of(request, kwargs)
        if study is None:
            return super().dispatch(request, *args, **kwargs)
        with override(language_of(request, study)):
            return super().dispatch(request, *args, **kwargs)


def _study_spoken_of(request: HttpRequest, kwargs: Mapping[str, Any]) -> Study | None:
    rater = find_rater(rater_credential(request))
    if rater is not None:
        return rater.study
    return Study.objects.filter(slug=kwargs.get("slug", "")).first()


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


class ClaimView(RaterView):
    @extend_schema(
        request=None,
        responses={
            200: serializers.AssignmentSerializer,
            204: OpenApiResponse(description="Nothing is left to judge."),
            **refusals(401, 404, 409),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Give the rater the comparison to judge now; the same one until it is answered."""
        rater = self.rater(request)
        if rater.study.slug != slug:
            raise Http404
        now = timezone.now()
        try:
            assignment = claim_assignment(rater=rater, now=now, rng=RNG)
        except ShareReached:
            finish_rater(rater=rater, now=now)
            raise
        if assignment is None:
            finish_rater(rater=rater, now=now)
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(serializers.AssignmentSerializer(assignment).data)


class DraftView(RaterView):
    @extend_schema(
        request=serializers.DraftSerializer,
        responses={200: serializers.AssignmentSerializer, **REFUSALS},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Answer the questions that are asked without the prompt; the answer shows the prompt."""
        data = serializers.DraftSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        assignment = save_draft(
            rater=self.rater(request),
            public_id=public_id,
            answers=data.answer_values(),
            now=timezone.now(),
        )
        return Response(serializers.AssignmentSerializer(assignment).data)


class SubmitView(RaterView):
    @extend_schema(
        request=serializers.SubmissionSerializer,
        responses={200: OpenApiResponse(description="Saved."), **REFUSALS},
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Answer the remaining questions and save all judgments of the comparison."""
        data = serializers.SubmissionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        assignment = submit_answers(
            rater=self.rater(request),
            public_id=public_id,
            submission_id=data.validated_data["submission_id"],
            answers=data.answer_values(),
            playback=data.validated_data["playback"],
            now=timezone.now(),
        )
        return Response({"saved": True, "submitted_at": assignment.submitted_at})


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
            rater=self.rater(request),
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
        data = serializers.SubmissionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        revise_answers(
            rater=self.rater(request),
            public_id=public_id,
            submission_id=data.validated_data["submission_id"],
            answers=data.answer_values(),
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
        expires_at = renew_lease(rater=self.rater(request), public_id=public_id, now=timezone.now())
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
