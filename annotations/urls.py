from django.urls import path

from annotations.api.hooks import ProlificWebhook
from annotations.views import entering, lessons, media, panels, rater, revising

urlpatterns = [
    path("s/<slug:slug>/", entering.welcome, name="rater-welcome"),
    path("s/<slug:slug>/examples/", lessons.examples, name="rater-examples"),
    path("s/<slug:slug>/feedback/<uuid:public_id>/", lessons.feedback, name="rater-feedback"),
    path("s/<slug:slug>/back/", revising.back, name="rater-back"),
    path("s/<slug:slug>/ahead/", rater.ahead, name="rater-ahead"),
    path("s/<slug:slug>/rate/", rater.rate, name="rater-rate"),
    path("s/<slug:slug>/renew/", rater.renew, name="rater-renew"),
    path("s/<slug:slug>/skip/", rater.skip, name="rater-skip"),
    path("s/<slug:slug>/done/", rater.done, name="rater-done"),
    path("s/<slug:slug>/declined/", panels.declined, name="rater-declined"),
    path("hooks/prolific/<slug:slug>/", ProlificWebhook.as_view(), name="prolific-webhook"),
    path("s/<slug:slug>/source/<uuid:public_id>/", media.source_media, name="rater-source"),
    path("m/<str:token>/", media.stimulus_media, name="stimulus-media"),
]
