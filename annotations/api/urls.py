from django.urls import path

from annotations.api import views
from annotations.api.problem_kinds import ProblemKindsView

urlpatterns = [
    path("problems/", ProblemKindsView.as_view(), name="api-problems"),
    path("studies/", views.StudyListView.as_view(), name="api-studies"),
    path("studies/<slug:slug>/", views.StudyView.as_view(), name="api-study"),
    path("studies/<slug:slug>/judgments/", views.JudgmentListView.as_view(), name="api-judgments"),
    path("studies/<slug:slug>/welcome/", views.WelcomeView.as_view(), name="api-welcome"),
    path("studies/<slug:slug>/join/", views.JoinView.as_view(), name="api-join"),
    path("studies/<slug:slug>/claim/", views.ClaimView.as_view(), name="api-claim"),
    path("studies/<slug:slug>/ahead/", views.AheadView.as_view(), name="api-ahead"),
    path("studies/<slug:slug>/back/", views.BackView.as_view(), name="api-back"),
    path("studies/<slug:slug>/examples/", views.ExamplesView.as_view(), name="api-examples"),
    path("assignments/<uuid:public_id>/draft/", views.DraftView.as_view(), name="api-draft"),
    path("assignments/<uuid:public_id>/submit/", views.SubmitView.as_view(), name="api-submit"),
    path("assignments/<uuid:public_id>/revise/", views.ReviseView.as_view(), name="api-revise"),
    path(
        "assignments/<uuid:public_id>/feedback/",
        views.FeedbackView.as_view(),
        name="api-feedback",
    ),
    path("assignments/<uuid:public_id>/skip/", views.SkipView.as_view(), name="api-skip"),
    path("assignments/<uuid:public_id>/renew/", views.RenewView.as_view(), name="api-renew"),
]
