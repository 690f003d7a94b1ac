from django.urls import path

from juice.owner import (
    clip_pages,
    comparison_matrix,
    comparisons,
    endpoint_tests,
    planning,
    quality,
    recruiting,
    reports,
    results,
    views,
)

urlpatterns = [
    path("", views.study_list, name="owner-studies"),
    # No slug has a plus in it.
    path("+plan/", planning.planning, name="owner-plan"),
    path(
        "+endpoints/<int:endpoint_id>/test/",
        endpoint_tests.endpoint_test,
        name="owner-endpoint-test",
    ),
    path(
        "+endpoints/<int:endpoint_id>/test/<int:job_id>/",
        endpoint_tests.test_job,
        name="owner-endpoint-test-job",
    ),
    path(
        "+endpoints/<int:endpoint_id>/test/<int:job_id>/progress/",
        endpoint_tests.test_job_part,
        name="owner-endpoint-test-part",
    ),
    path(
        "+endpoints/<int:endpoint_id>/test/<int:job_id>/act/<str:what>/",
        endpoint_tests.test_job_action,
        name="owner-endpoint-test-action",
    ),
    path("+clips/<int:stimulus_id>/", clip_pages.original, name="owner-original"),
    path("<slug:slug>/", views.study_page, name="owner-study"),
    path("<slug:slug>/progress/", views.study_progress, name="owner-progress"),
    path("<slug:slug>/people/", views.study_people, name="owner-people"),
    path("<slug:slug>/results/", results.study_results, name="owner-results"),
    path(
        "<slug:slug>/comparisons/matrix/",
        comparison_matrix.comparison_matrix,
        name="owner-comparison-matrix",
    ),
    path("<slug:slug>/action/", views.study_action, name="owner-action"),
    path("<slug:slug>/import/", views.study_import, name="owner-import"),
    path("<slug:slug>/import/<int:import_id>/", views.import_run, name="owner-import-run"),
    path(
        "<slug:slug>/import/<int:import_id>/progress/",
        views.import_progress,
        name="owner-import-progress",
    ),
    path("<slug:slug>/blinding/", views.blinding_check, name="owner-blinding"),
    path("<slug:slug>/recruitment/", recruiting.recruitment, name="owner-recruitment"),
    path("<slug:slug>/recruitment/study.yaml", recruiting.prolific_file, name="owner-study-file"),
    path("<slug:slug>/recruitment/question.xml", recruiting.mturk_file, name="owner-question-file"),
    path("<slug:slug>/invites/", recruiting.invites, name="owner-invites"),
    path("<slug:slug>/invites/links.csv", recruiting.invites_file, name="owner-invites-file"),
    path(
        "<slug:slug>/invites/<int:invite_id>/revoke/",
        recruiting.invite_revoke,
        name="owner-invite-revoke",
    ),
    path("<slug:slug>/comparisons/", comparisons.comparison_list, name="owner-comparisons"),
    path(
        "<slug:slug>/comparisons/<int:comparison_id>/",
        comparisons.comparison_page,
        name="owner-comparison",
    ),
    path(
        "<slug:slug>/comparisons/<int:comparison_id>/<str:which>/",
        comparisons.comparison_clip,
        name="owner-clip",
    ),
    path("<slug:slug>/checks/", quality.study_checks, name="owner-checks"),
    path("<slug:slug>/checks/import/", quality.import_study_checks, name="owner-checks-import"),
    path(
        "<slug:slug>/checks/<int:check_id>/remove/",
        quality.remove_study_check,
        name="owner-check-remove",
    ),
    path(
        "<slug:slug>/report-with-clips.html",
        reports.report_with_clips,
        name="owner-report-with-clips",
    ),
    path("<slug:slug>/raters/rule/", views.rater_rule, name="owner-rater-rule"),
    path("<slug:slug>/raters/", views.rater_list, name="owner-raters"),
    path("<slug:slug>/raters/<int:rater_id>/exclude/", views.rater_exclude, name="owner-exclude"),
    path("<slug:slug>/clips/", clip_pages.clip_list, name="owner-clips"),
    path("<slug:slug>/clips/progress/", clip_pages.clip_list_part, name="owner-clips-part"),
    path("<slug:slug>/clips/act/<str:what>/", clip_pages.clip_action, name="owner-clip-action"),
    path(
        "<slug:slug>/clips/<int:model_id>/<int:prompt_id>/",
        clip_pages.clip_page,
        name="owner-clip-of",
    ),
    path("<slug:slug>/generation.jsonl", clip_pages.generation_jsonl, name="owner-generation"),
]
