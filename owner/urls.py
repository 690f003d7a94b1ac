from django.urls import path

from owner.checks import pages as checks
from owner.clips import import_pages, share_pages
from owner.clips import pages as clips
from owner.comparisons import pages as comparisons
from owner.endpoints import trials
from owner.guard import guarded
from owner.raters import pages as raters
from owner.recruitment import invite_pages
from owner.recruitment import pages as recruitment
from owner.results import pages as results
from owner.studies import blinding_pages, change_pages, delete_pages, plan_pages
from owner.studies import pages as studies

PAGES = [
    path("", studies.study_list, name="owner-studies"),
    # No slug has a plus in it.
    path("+plan/", plan_pages.planning, name="owner-plan"),
    path(
        "+endpoints/<int:endpoint_id>/trial/",
        trials.endpoint_trial,
        name="owner-endpoint-trial",
    ),
    path(
        "+endpoints/<int:endpoint_id>/trial/<int:job_id>/",
        trials.trial_job,
        name="owner-endpoint-trial-job",
    ),
    path(
        "+endpoints/<int:endpoint_id>/trial/<int:job_id>/progress/",
        trials.trial_job_part,
        name="owner-endpoint-trial-part",
    ),
    path(
        "+endpoints/<int:endpoint_id>/trial/<int:job_id>/act/<str:what>/",
        trials.trial_job_action,
        name="owner-endpoint-trial-action",
    ),
    path("+clips/<int:stimulus_id>/", clips.original, name="owner-original"),
    path("+sources/<int:prompt_id>/", clips.prompt_source, name="owner-source"),
    path("<slug:slug>/", studies.study_page, name="owner-study"),
    path("<slug:slug>/progress/", studies.study_progress, name="owner-progress"),
    path("<slug:slug>/people/", studies.study_people, name="owner-people"),
    path("<slug:slug>/results/", results.study_results, name="owner-results"),
    path(
        "<slug:slug>/comparisons/matrix/",
        comparisons.comparison_matrix,
        name="owner-comparison-matrix",
    ),
    path("<slug:slug>/action/", studies.study_action, name="owner-action"),
    path("<slug:slug>/import/", import_pages.study_import, name="owner-import"),
    path("<slug:slug>/import/<int:import_id>/", import_pages.import_run, name="owner-import-run"),
    path(
        "<slug:slug>/import/<int:import_id>/progress/",
        import_pages.import_progress,
        name="owner-import-progress",
    ),
    path(
        "<slug:slug>/import/<int:import_id>/give-up/",
        import_pages.give_up,
        name="owner-import-give-up",
    ),
    path("<slug:slug>/blinding/", blinding_pages.blinding_check, name="owner-blinding"),
    path("<slug:slug>/recruitment/", recruitment.recruitment, name="owner-recruitment"),
    path("<slug:slug>/recruitment/study.yaml", recruitment.prolific_file, name="owner-study-file"),
    path(
        "<slug:slug>/recruitment/question.xml", recruitment.mturk_file, name="owner-question-file"
    ),
    path("<slug:slug>/invites/", invite_pages.invites, name="owner-invites"),
    path("<slug:slug>/invites/links.csv", invite_pages.invites_file, name="owner-invites-file"),
    path(
        "<slug:slug>/invites/<int:invite_id>/revoke/",
        invite_pages.invite_revoke,
        name="owner-invite-revoke",
    ),
    path("<slug:slug>/comparisons/", comparisons.comparison_list, name="owner-comparisons"),
    path(
        "<slug:slug>/comparisons/<int:comparison_id>/",
        comparisons.comparison_page,
        name="owner-comparison",
    ),
    path(
        "<slug:slug>/comparisons/<int:comparison_id>/withdraw/",
        comparisons.withdraw,
        name="owner-comparison-withdraw",
    ),
    path(
        "<slug:slug>/comparisons/<int:comparison_id>/<str:which>/",
        comparisons.comparison_clip,
        name="owner-clip",
    ),
    path("<slug:slug>/checks/", checks.study_checks, name="owner-checks"),
    path("<slug:slug>/checks/import/", checks.import_study_checks, name="owner-checks-import"),
    path(
        "<slug:slug>/checks/<int:check_id>/remove/",
        checks.remove_study_check,
        name="owner-check-remove",
    ),
    path(
        "<slug:slug>/report-with-clips.html",
        results.report_with_clips,
        name="owner-report-with-clips",
    ),
    path("<slug:slug>/raters/rule/", raters.rater_rule, name="owner-rater-rule"),
    path("<slug:slug>/raters/", raters.rater_list, name="owner-raters"),
    path("<slug:slug>/raters/<int:rater_id>/exclude/", raters.rater_exclude, name="owner-exclude"),
    path("<slug:slug>/put-away/", delete_pages.put_away, name="owner-put-away"),
    path("<slug:slug>/changes/", change_pages.changes, name="owner-changes"),
    path("<slug:slug>/clips/share/", share_pages.share, name="owner-share"),
    path("<slug:slug>/clips/", clips.clip_list, name="owner-clips"),
    path("<slug:slug>/clips/progress/", clips.clip_list_part, name="owner-clips-part"),
    path("<slug:slug>/clips/act/<str:what>/", clips.clip_action, name="owner-clip-action"),
    path(
        "<slug:slug>/clips/<int:model_id>/<int:prompt_id>/",
        clips.clip_page,
        name="owner-clip-of",
    ),
    path(
        "<slug:slug>/clips/take-out/<int:entry_id>/",
        clips.take_clip_out,
        name="owner-clip-take-out",
    ),
    path("<slug:slug>/generation.jsonl", clips.generation_jsonl, name="owner-generation"),
]

urlpatterns = guarded(PAGES)
