"""What raters are asked is read once, and never as it was before it changed."""

import pytest

from annotations.enums import StudyState
from annotations.models import Study, StudyText
from annotations.services.rating.stages import axes_of
from annotations.services.studies.frozen import wording_of
from annotations.services.studies.states import (
    missing_in_setup,
    return_to_draft,
    set_prompts,
    start_preparing,
)
from annotations.services.studies.texts import translate_study
from tests.annotations.factories import make_prompt, make_study

pytestmark = pytest.mark.django_db


def a_study_to_prepare() -> Study:
    study = make_study(comparisons=0, state=StudyState.DRAFT)
    set_prompts(study=study, prompts=[make_prompt()])
    assert missing_in_setup(study) == []
    return study


def questions(study: Study) -> list[str]:
    return [axis.question for axis in axes_of(Study.objects.get(pk=study.pk))]


def test_a_frozen_study_is_read_once(django_assert_num_queries):
    study = a_study_to_prepare()
    start_preparing(study=study)
    first = wording_of(study)
    with django_assert_num_queries(0):
        assert wording_of(study) is first
        assert [[reason.key for reason in axis.reasons.all()] for axis in axes_of(study)]


def test_a_change_in_the_draft_is_seen_at_once():
    study = a_study_to_prepare()
    before = questions(study)
    study.axes.filter(position=0).update(question="Which is calmer?")
    assert questions(study) == ["Which is calmer?", *before[1:]]


def test_a_change_after_going_back_to_draft_is_seen_at_once():
    study = a_study_to_prepare()
    start_preparing(study=study)
    before = questions(study)
    return_to_draft(study=study)
    study.axes.filter(position=0).update(question="Which is calmer?")
    translate_study(study=study, language="es", texts={"axis.quality": "¿Cuál es más tranquilo?"})
    assert questions(study) == ["Which is calmer?", *before[1:]]
    start_preparing(study=study)
    assert questions(study) == ["Which is calmer?", *before[1:]]
    assert wording_of(study).translations == {("es", "axis.quality"): "¿Cuál es más tranquilo?"}


def test_the_same_wording_frozen_twice_has_two_stamps():
    study = a_study_to_prepare()
    start_preparing(study=study)
    first = study.frozen_as
    return_to_draft(study=study)
    assert study.frozen_as == ""
    start_preparing(study=study)
    assert "" != study.frozen_as != first


def test_one_studys_wording_is_not_anothers():
    studies = [a_study_to_prepare() for _ in range(2)]
    StudyText.objects.create(study=studies[0], language="es", key="title", text="Título")
    for study in studies:
        start_preparing(study=study)
    assert [len(wording_of(study).translations) for study in studies] == [1, 0]
