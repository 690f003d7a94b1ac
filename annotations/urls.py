from django.urls import path

from annotations.views import media, panels, rater

urlpatterns = [
    path("s/<slug:slug>/", rater.welcome, name="rater-welcome"),
    path("s/<slug:slug>/examples/", rater.examples, name="rater-examples"),
    path("s/<slug:slug>/feedback/<uuid:public_id>/", rater.feedback, name="rater-feedback"),
    path("s/<slug:slug>/back/", rater.back, name="rater-back"),
    path("s/<slug:slug>/ahead/", rater.ahead, name="rater-ahead"),
    path("s/<slug:slug>/rate/", rater.rate, name="rater-rate"),
    path("s/<slug:slug>/renew/", rater.renew, name="rater-renew"),
    path("s/<slug:slug>/skip/", rater.skip, name="rater-skip"),
    path("s/<slug:slug>/done/", rater.done, name="rater-done"),
    path("s/<slug:slug>/declined/", panels.declined, name="rater-declined"),
    path("hooks/prolific/<slug:slug>/", panels.prolific_webhook, name="prolific-webhook"),
    path("s/<slug:slug>/source/<uuid:public_id>/", media.source_media, name="rater-source"),
    path("m/<str:token>/", media.stimulus_media, name="stimulus-media"),
]
