"""Setting a study up in the admin, as its form is sent by a browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from analysis.core.settings import StoppingPlan, StoppingRule
from analysis.votes.settings import stopping_plan
from annotations.admin.study import ALWAYS_EDITABLE
from annotations.enums import StudyState
from annotations.media.profiles import MaskArea
from annotations.models import Prompt, Study, StudyText
from annotations.services.pairs.plans import profile_of
from generation.enums import JobState
from generation.models import Endpoint, Job
from tests.annotations.factories import judge, make_model, make_prompt, make_rater, make_study
from tests.generation.factories import make_endpoint
from tests.owner.forms import form_values, send

pytestmark = pytest.mark.django_db

ADD = "/admin/annotations/study/add/"
JUICE_REASONS = [
    "Motion smoothness",
    "Object/scene consistency",
    "Pixel sharpness",
    "Recognizable objects/scenes",
    "Amount of motion",
]


def two_models() -> dict[str, str]:
    return {
        "study_models-0-model": str(make_model("Aurora").pk),
        "study_models-1-model": str(make_model("Drift").pk),
    }


def errors_of(answer) -> str:
    assert answer.status_code == 200, "the form was saved"
    return answer.content.decode()


def test_a_new_study_has_the_juice_questions_without_a_further_click(owner):
    answer = send(
        owner, title="First", slug="first", pasted_prompts="A fox\n\nA bear \n", **two_models()
    )
    study = Study.objects.get()
    assert answer.url == reverse("owner-study", args=["first"])
    assert [row.model.name for row in study.study_models.all()] == ["Aurora", "Drift"]
    assert [row.prompt.text for row in study.study_prompts.all()] == ["A fox", "A bear"]
    quality, faithfulness = study.axes.all()
    assert (quality.key, quality.shows_prompt) == ("quality", False)
    assert (faithfulness.key, faithfulness.shows_prompt) == ("faithfulness", True)
    assert [reason.label for reason in quality.reasons.all()] == JUICE_REASONS
    assert faithfulness.reasons.count() == 2
    assert (study.raters_per_comparison, study.tie_policy) == (5, "forced")


def test_the_choice_of_a_model_is_named_for_screen_readers(owner):
    assert owner.get(ADD).content.decode().count('aria-label="Model"') >= 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"presentation_profile": "fixed"}, "The fixed presentation needs it."),
        ({"presentation_profile": "fixed", "fixed_width": "511"}, "The fixed presentation needs"),
        ({"masks": "[[0.5, 0.5, 0.6, 0.1]]"}, "each inside of it"),
        ({"masks": "[[0.5, 0.5]]"}, "each inside of it"),
        ({"masks": '"corner"'}, "each inside of it"),
    ],
)
def test_a_presentation_that_cannot_be_made_is_refused(owner, changes, words):
    answer = send(owner, title="Fixed", slug="fixed", **changes)
    assert words in errors_of(answer)


def test_the_choices_of_a_presentation_are_kept(owner):
    send(
        owner,
        title="Fixed",
        slug="fixed",
        presentation_profile="fixed",
        fit="pad",
        masks="[[0.75, 0.9, 0.25, 0.1]]",
        fixed_width="640",
        fixed_height="360",
        fixed_fps="23.976",
        fixed_seconds="4",
    )
    profile = profile_of(Study.objects.get())
    assert (profile.width, profile.height, profile.fit) == (640, 360, "pad")
    assert (float(profile.fps), profile.seconds) == (23.976, 4)
    assert profile.masks == (MaskArea(0.75, 0.9, 0.25, 0.1),)


def test_the_plan_is_kept(owner):
    send(
        owner,
        title="Planned",
        slug="planned",
        planned_comparisons="120",
        stopping_rule="anytime",
        stopping_alpha="0.1",
        stopping_minimum="30",
        stopping_half_width="0.05",
        **two_models(),
    )
    plan = stopping_plan(Study.objects.get())
    assert plan == StoppingPlan(StoppingRule.ANYTIME, 120, 0.1, 30, 0.05)


@pytest.mark.parametrize("alpha", ["0", "1", "two"])
def test_an_impossible_plan_is_refused(owner, alpha):
    answer = send(owner, title="P", slug="p", stopping_alpha=alpha, **two_models())
    assert "stopping_alpha" in answer.context["adminform"].form.errors


def test_a_study_of_images_asks_about_images(owner):
    send(owner, title="Stills", slug="stills", kind="text-to-image")
    questions = Study.objects.get().axes.values_list("question", flat=True)
    assert questions[0] == "Which image do you prefer?"


def test_an_edited_axis_is_kept_and_so_is_the_other(owner):
    send(owner, **{"title": "Own", "slug": "own", "axes-0-reason_lines": "Sharper\n\nCalmer\n"})
    quality, faithfulness = Study.objects.get().axes.all()
    assert [reason.label for reason in quality.reasons.all()] == ["Sharper", "Calmer"]
    assert faithfulness.reasons.count() == 2


def test_prompts_come_from_a_csv_with_ids_and_categories(owner):
    content = "prompt_id,prompt,category\np1,A fox,animals\np2,A bridge,places\n"
    file = SimpleUploadedFile("prompts.csv", content.encode())
    send(owner, title="CSV", slug="csv", prompt_file=file)
    prompts = Study.objects.get().prompts.order_by("key")
    assert [(one.key, one.category) for one in prompts] == [("p1", "animals"), ("p2", "places")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"prompt_id,prompt\np1,A fox\np2,\n", "Line 3: the prompt is missing"),
        (b"prompt_id,prompt\np1,A fox\np1,A bear\n", "stands for two texts"),
        ("prompt\nFüchse".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_bad_prompt_file_is_refused_with_its_line(owner, content, words):
    file = SimpleUploadedFile("prompts.csv", content)
    answer = send(owner, title="Bad", slug="bad", prompt_file=file)
    assert words in errors_of(answer)
    assert not Study.objects.exists()
    assert not Prompt.objects.exists()


def test_prompts_are_pasted_or_uploaded_but_not_both(owner):
    file = SimpleUploadedFile("prompts.txt", b"A fox\n")
    answer = send(owner, title="Both", slug="both", pasted_prompts="A bear", prompt_file=file)
    assert "not both" in errors_of(answer)


def test_new_prompts_replace_the_old_ones_and_none_keeps_them(owner):
    send(owner, title="Draft", slug="draft", pasted_prompts="A fox", **two_models())
    study = Study.objects.get()
    change = reverse("admin:annotations_study_change", args=[study.pk])
    send(owner, change, title="Draft, renamed")
    assert [prompt.text for prompt in study.prompts.all()] == ["A fox"]
    send(owner, change, pasted_prompts="A bear\nA crane")
    study.refresh_from_db()
    assert study.title == "Draft, renamed"
    assert [row.prompt.text for row in study.study_prompts.all()] == ["A bear", "A crane"]
    assert [reason.label for reason in study.axes.first().reasons.all()] == JUICE_REASONS


def test_a_study_under_way_shows_its_protocol_and_takes_no_change(owner):
    study = make_study()
    judge(make_rater(study))
    change = reverse("admin:annotations_study_change", args=[study.pk])
    page = owner.get(change).content.decode()
    assert "what raters are asked is frozen" in page
    assert set(form_values(page)) & {"title", "protocol", "pasted_prompts"} == set()
    send(owner, change, lease_minutes="30", title="Renamed", raters_per_comparison="9")
    study.refresh_from_db()
    assert study.lease_minutes == 30
    assert (study.title, study.raters_per_comparison) == ("Which clip is better?", 5)
    assert study.axes.count() == 2


def test_a_draft_takes_translations_of_its_texts_and_names_what_is_missing(owner):
    study = make_study(state=StudyState.DRAFT, languages=["en", "es"], consent="I agree.")
    change = reverse("admin:annotations_study_change", args=[study.pk])
    row = {"texts-TOTAL_FORMS": "1", "texts-0-study": str(study.pk), "languages": ["en", "es"]}
    given = {"language": "es", "key": "title", "text": "¿Qué clip es mejor?"}
    send(owner, change, **row, **{f"texts-0-{name}": text for name, text in given.items()})
    kept = study.texts.values("language", "key", "text")
    assert list(kept) == [given]
    study.refresh_from_db()
    assert study.languages == ["en", "es"]
    assert "<li>Español: consent</li>" in owner.get(change).content.decode()


def test_a_text_is_not_translated_into_the_language_that_it_is_in(owner):
    study = make_study(state=StudyState.DRAFT)
    change = reverse("admin:annotations_study_change", args=[study.pk])
    row = {"texts-TOTAL_FORMS": "1", "texts-0-study": str(study.pk), "texts-0-language": "en"}
    answer = send(owner, change, **row, **{"texts-0-key": "title", "texts-0-text": "Which?"})
    assert "own texts are in this language" in errors_of(answer)


def test_translations_are_frozen_with_the_protocol(owner):
    study = make_study()
    judge(make_rater(study))
    StudyText.objects.create(study=study, language="es", key="title", text="Título")
    change = reverse("admin:annotations_study_change", args=[study.pk])
    assert "Título" in owner.get(change).content.decode()
    send(owner, change, language="ar", languages=["ar"], **{"texts-0-text": "Otro"})
    study.refresh_from_db()
    assert (study.language, study.languages, study.texts.get().text) == ("en", [], "Título")


def test_the_fields_that_stay_open_are_no_part_of_the_protocol():
    from annotations.services.studies.protocol import describe_protocol

    study = make_study()
    assert not ALWAYS_EDITABLE & set(describe_protocol(study))


def test_a_study_with_judgments_cannot_be_deleted(owner):
    study = make_study()
    judge(make_rater(study))
    answer = owner.post(reverse("admin:annotations_study_delete", args=[study.pk]), {"post": "yes"})
    assert answer.status_code == 403
    assert Study.objects.filter(pk=study.pk).exists()


def test_a_preparing_study_says_how_to_change_it(owner):
    study = make_study(state=StudyState.PREPARING)
    page = owner.get(reverse("admin:annotations_study_change", args=[study.pk])).content.decode()
    assert "Put it back to draft" in page


@pytest.mark.parametrize(
    "model",
    [
        "annotations_study",
        "annotations_generativemodel",
        "annotations_prompt",
        "annotations_stimulus",
        "annotations_rendition",
        "annotations_comparison",
        "annotations_rater",
        "annotations_assignment",
        "annotations_judgment",
        "generation_endpoint",
        "generation_job",
        "analysis_report",
        "auth_user",
        "authtoken_tokenproxy",
    ],
)
def test_every_list_opens_and_searches(owner, model):
    study = make_study()
    judge(make_rater(study))
    make_endpoint(study.generative_models.first())
    url = reverse(f"admin:{model}_changelist")
    assert owner.get(url).status_code == 200
    assert owner.get(url, {"q": "fox"}).status_code == 200


@pytest.mark.parametrize("model", ["stimulus", "rendition", "comparison", "assignment", "judgment"])
def test_what_came_of_a_study_can_be_read_but_not_edited(owner, model):
    study = make_study()
    judge(make_rater(study))
    row = Study._meta.apps.get_model("annotations", model).objects.first()
    url = reverse(f"admin:annotations_{model}_change", args=[row.pk])
    assert owner.get(url).status_code == 200
    assert owner.post(url, {"_save": "Save"}).status_code == 403
    delete = reverse(f"admin:annotations_{model}_delete", args=[row.pk])
    assert owner.post(delete, {"post": "yes"}).status_code == 403


def test_jobs_can_be_retried_and_given_up_from_their_list(owner):
    endpoint = make_endpoint(make_model())
    failed, waiting = [
        Job.objects.create(endpoint=endpoint, prompt=make_prompt(), state=state, error=error)
        for state, error in ((JobState.FAILED, "Broken."), (JobState.READY, ""))
    ]
    url = reverse("admin:generation_job_changelist")
    owner.post(url, {"action": "retry", "_selected_action": [failed.pk, waiting.pk]})
    failed.refresh_from_db()
    assert (failed.state, failed.error) == (JobState.READY, "")
    owner.post(url, {"action": "give_up", "_selected_action": [failed.pk]})
    failed.refresh_from_db()
    waiting.refresh_from_db()
    assert (failed.state, waiting.state) == (JobState.CANCELLED, JobState.READY)


def test_waiting_jobs_can_be_sent_first_or_later(owner):
    endpoint = make_endpoint(make_model())
    job = Job.objects.create(endpoint=endpoint, prompt=make_prompt())
    url = reverse("admin:generation_job_changelist")
    for action, priority in (("send_first", 1), ("send_later", -1)):
        owner.post(url, {"action": action, "_selected_action": [job.pk]})
        job.refresh_from_db()
        assert job.priority == priority


def test_an_endpoint_that_rests_can_be_called_again(owner):
    endpoint = make_endpoint(make_model())
    Endpoint.objects.update(paused_until=timezone.now() + timedelta(hours=1), failures=9)
    change = reverse("admin:generation_endpoint_change", args=[endpoint.pk])
    assert "It rests until" in owner.get(change).content.decode()
    url = reverse("admin:generation_endpoint_changelist")
    owner.post(url, {"action": "resume", "_selected_action": [endpoint.pk]})
    endpoint.refresh_from_db()
    assert (endpoint.paused_until, endpoint.failures) == (None, 0)


def test_an_endpoint_keeps_the_name_of_its_key_and_never_the_key(owner):
    model = make_model()
    values = {
        "model": model.pk,
        "name": "Lab",
        "adapter": "openai_videos",
        "base_url": "https://lab.example/v1",
        "remote_model": "m",
        "parameters": "{}",
        "body_encoding": "json",
        "max_concurrency": "2",
        "pause_after": "5",
        "unknown_outcome": "park",
        "is_active": "on",
    }
    url = reverse("admin:generation_endpoint_add")
    refused = owner.post(url, {**values, "api_key_env": "sk-12345"})
    assert "Give the name of an environment variable" in errors_of(refused)
    assert owner.post(url, {**values, "api_key_env": "LAB_KEY"}).status_code == 302
