from django.urls import path

from juice.owner import views

urlpatterns = [
    path("", views.study_list, name="owner-studies"),
    path("<slug:slug>/", views.study_page, name="owner-study"),
    path("<slug:slug>/progress/", views.study_progress, name="owner-progress"),
    path("<slug:slug>/action/", views.study_action, name="owner-action"),
    path("<slug:slug>/import/", views.study_import, name="owner-import"),
    path("<slug:slug>/import/<int:import_id>/", views.import_run, name="owner-import-run"),
    path(
        "<slug:slug>/import/<int:import_id>/progress/",
        views.import_progress,
        name="owner-import-progress",
    ),
    path("<slug:slug>/blinding/", views.blinding_check, name="owner-blinding"),
    path("<slug:slug>/raters/", views.rater_list, name="owner-raters"),
    path("<slug:slug>/raters/<int:rater_id>/exclude/", views.rater_exclude, name="owner-exclude"),
    path("<slug:slug>/jobs/<int:job_id>/retry/", views.job_retry, name="owner-job-retry"),
]
