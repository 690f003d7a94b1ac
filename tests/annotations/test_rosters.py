"""What is in a study was put there: samples, who meets whom, sharing, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations.enums import ComparisonState, RenditionState, RosterOrigin, SamplePairing
from annotations.errors import ProtocolFrozen, StimulusRefused, TransitionRefused
from annotations.models import (
    CheckPlan,
    Comparison,
    GenerativeModel,
    Prompt,
    Rendition,
    RosterEntry,
    Stimulus,
    Study,
)
from annotations.services.clips.roster import put_in, take_out
from annotations.services.clips.sharing import clips_of_study, offer_of, share_clips
from annotations.services.pairs.preparing import sync_all_comparisons, sync_comparisons
from annotations.services.studies.states import (
    create_study,
    open_study,
    return_to_draft,
    start_preparing,
)
from tests.annotations.factories import (
    NOW,
    answer_both,
    claim,
    make_model,
    make_prompt,
    make_rater,
    make_stimulus,
)

pytestmark = pytest.mark.django_db


def study_of(slug: str = "s", *, models: int = 2, prompts: int = 1, **values) -> Study:
    return create_study(
        title="Which clip is better?",
        slug=slug,
        models=[make_model() for _ in range(models)],
        prompts=[make_prompt() for _ in range(prompts)],
        **values,
    )


def models_of(study: Study) -> list[GenerativeModel]:
    return [row.model for row in study.study_models.select_related("model")]


def put_seeds(study: Study, model: GenerativeModel, *seeds: int) -> list[Stimulus]:
    clips = [make_stimulus(model, study.prompts.get(), seed=seed) for seed in seeds]
    put_in(study=study, clips=clips, origin=RosterOrigin.IMPORTED)
    return clips


def samples(study: Study, model: GenerativeModel) -> dict[int, int]:
    """Sample by seed."""
    return dict(study.roster.filter(model=model).values_list("stimulus__seed", "sample"))


def met(study: Study) -> set[tuple[int, int]]:
    """Which samples meet, once all comparisons are made."""
    sync_comparisons(study=study)
    sample_of = dict(study.roster.values_list("stimulus", "sample"))
    pairs = study.comparisons.values_list("stimulus_a", "stimulus_b")
    return {(sample_of[first], sample_of[second]) for first, second in pairs}


# Places


def test_seeds_need_not_be_equal_numbers():
    study = study_of()
    first, second = models_of(study)
    put_seeds(study, first, 0, 1)
    put_seeds(study, second, 1234, 99)
    assert samples(study, second) == {99: 1, 1234: 2}
    assert met(study) == {(1, 1), (2, 2)}


def test_equal_seeds_have_equal_numbers_in_whatever_order_they_come():
    study = study_of()
    first, second = models_of(study)
    put_seeds(study, first, 5, 6, 7)
    put_seeds(study, second, 7, 1)
    put_seeds(study, second, 5)
    assert samples(study, first) == {5: 1, 6: 2, 7: 3}
    assert samples(study, second) == {7: 3, 1: 1, 5: 2}


def test_a_clip_has_one_place_however_often_it_is_put_in():
    study = study_of()
    [clip] = put_seeds(study, models_of(study)[0], 3)
    assert put_in(study=study, clips=[clip, clip], origin=RosterOrigin.SHARED) == 0
    assert study.roster.get().origin == RosterOrigin.IMPORTED


def test_a_second_clip_of_one_seed_is_refused_and_nothing_is_put_in():
    study = study_of()
    first, second = models_of(study)
    put_seeds(study, first, 3)
    prompt = study.prompts.get()
    clips = [make_stimulus(second, prompt), make_stimulus(first, prompt, seed=3)]
    with pytest.raises(StimulusRefused, match=f"{first} already has another clip"):
        put_in(study=study, clips=clips, origin=RosterOrigin.IMPORTED)
    assert study.roster.count() == 1


def test_a_clip_is_taken_out_of_a_draft_and_stays_elsewhere():
    study = study_of()
    [clip] = put_seeds(study, models_of(study)[0], 3)
    take_out(entry=study.roster.get())
    assert (study.roster.count(), Stimulus.objects.get()) == (0, clip)


def test_nothing_is_taken_out_once_raters_may_have_seen_it():
    study = study_of()
    for model in models_of(study):
        put_seeds(study, model, 3)
    start_preparing(study=study)
    with pytest.raises((TransitionRefused, ProtocolFrozen), match="Put it back to draft"):
        take_out(entry=study.roster.first())


@pytest.mark.django_db(transaction=True)
def test_clips_put_in_at_once_have_places_of_their_own():
    study = study_of()
    model = models_of(study)[0]
    clips = [make_stimulus(model, study.prompts.get(), seed=seed) for seed in range(8)]

    def put(clip: Stimulus) -> int:
        try:
            return put_in(study=study, clips=[clip], origin=RosterOrigin.IMPORTED)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clips)) as threads:
        assert list(threads.map(put, clips)) == [1] * len(clips)
    assert sorted(samples(study, model).values()) == list(range(1, len(clips) + 1))


# Who meets whom


def test_every_sample_meets_every_other_where_they_are_crossed():
    study = study_of(sample_pairing=SamplePairing.CROSSED)
    first, second = models_of(study)
    put_seeds(study, first, 0, 1)
    put_seeds(study, second, 0, 1, 2)
    assert met(study) == {(a, b) for a in (1, 2) for b in (1, 2, 3)}


def test_by_lot_each_sample_meets_one_and_what_has_met_stays():
    study = study_of(sample_pairing=SamplePairing.RANDOM, order_seed=4)
    first, second = models_of(study)
    put_seeds(study, first, *range(10))
    put_seeds(study, second, *range(8))
    before = met(study)
    put_seeds(study, second, 8, 9)
    after = met(study)
    assert (len(before), len(after), before <= after) == (8, 10, True)
    assert [sorted(side) for side in zip(*after, strict=True)] == [list(range(1, 11))] * 2
    assert before != {(number, number) for number in range(1, 9)}


def test_the_lot_falls_as_the_studys_seed_says():
    drawn = []
    for slug, seed in (("a", 1), ("b", 1), ("c", 2)):
        study = study_of(slug, sample_pairing=SamplePairing.RANDOM, order_seed=seed)
        for model in models_of(study):
            put_seeds(study, model, *range(12))
        drawn.append(frozenset(met(study)))
    assert len(set(drawn)) == 3, "the models and prompts are other ones, too"


def test_the_rule_can_change_until_raters_come():
    study = study_of()
    for model in models_of(study):
        put_seeds(study, model, 0, 1)
    start_preparing(study=study)
    sync_all_comparisons(now=NOW)
    assert study.comparisons.count() == 2
    return_to_draft(study=study)
    Study.objects.filter(pk=study.pk).update(sample_pairing=SamplePairing.CROSSED)
    start_preparing(study=study)
    sync_all_comparisons(now=NOW)
    assert study.comparisons.count() == 4


def test_a_sweep_that_finds_nothing_new_plans_nothing(django_assert_max_num_queries):
    study = study_of(prompts=1)
    for model in models_of(study):
        put_seeds(study, model, 0)
    start_preparing(study=study)
    sync_all_comparisons(now=NOW)
    with django_assert_max_num_queries(4):
        sync_all_comparisons(now=NOW)


# What was seen failing


def opened(study: Study) -> Study:
    """With all its renditions there."""
    if study.state == "draft":
        start_preparing(study=study)
    sync_comparisons(study=study)
    Rendition.objects.update(state=RenditionState.READY, file="renditions/none.mp4")
    study.comparisons.update(state=ComparisonState.READY)
    if study.state == "preparing" and study.comparisons.counted().exists():
        open_study(study=study, now=NOW)
    return study


def test_another_teams_import_adds_nothing_to_an_open_study():
    study = study_of()
    for model in models_of(study):
        put_seeds(study, model, 0)
    opened(study)
    other = create_study(
        title="Theirs", slug="theirs", models=models_of(study), prompts=study.prompts.all()
    )
    for model in models_of(study):
        put_seeds(other, model, 0, 1)
    sync_all_comparisons(now=NOW)
    assert (study.comparisons.count(), study.roster.count()) == (1, 2)


def test_a_new_study_has_no_clip_that_nobody_put_in():
    study = study_of()
    for model in models_of(study):
        put_seeds(study, model, 0)
    other = create_study(
        title="New", slug="new", models=models_of(study), prompts=study.prompts.all()
    )
    start_preparing(study=other)
    assert sync_comparisons(study=other) == 0
    assert not Stimulus.objects.for_study(other.pk).exists()


def test_two_checkpoints_under_one_name_do_not_mix():
    study = study_of()
    first, second = models_of(study)
    old = put_seeds(study, first, 0) + put_seeds(study, second, 0)
    other = create_study(
        title="Newer", slug="newer", models=[first, second], prompts=study.prompts.all()
    )
    new = put_seeds(other, first, 0) + put_seeds(other, second, 0)
    for one, clips in ((study, old), (other, new)):
        sync_comparisons(study=one)
        made = one.comparisons.get()
        assert [made.stimulus_a, made.stimulus_b] == clips


# Sharing


def two_studies() -> tuple[Study, Study]:
    """Two models and two prompts; the second study has the first model and the first prompt."""
    study = study_of(prompts=2)
    for model in models_of(study):
        for prompt in study.prompts.all():
            make_stimulus(model, prompt, study=study)
    other = create_study(
        title="Other",
        slug="other",
        models=[models_of(study)[0], make_model()],
        prompts=[study.study_prompts.first().prompt],
    )
    return study, other


def test_an_offer_says_by_number_what_would_come():
    study, other = two_studies()
    offer = offer_of(other, clips_of_study(study))
    counts = (offer.clips, offer.models, offer.prompts, offer.fitting, offer.new, offer.strange)
    assert counts == (4, 2, 2, 1, 1, 3)
    assert share_clips(study=other, clips=clips_of_study(study)) == 1
    offer = offer_of(other, clips_of_study(study))
    assert (offer.there, offer.new) == (1, 0)
    assert other.roster.get().origin == RosterOrigin.SHARED


def test_a_place_that_has_another_clip_is_left_out():
    study, other = two_studies()
    make_stimulus(models_of(other)[0], other.prompts.get(), study=other)
    offer = offer_of(other, clips_of_study(study))
    assert (offer.taken, offer.new) == (1, 0)
    assert share_clips(study=other, clips=clips_of_study(study)) == 0


def test_a_draft_can_take_over_models_and_prompts_too():
    study, other = two_studies()
    assert share_clips(study=other, clips=clips_of_study(study), widen=True) == 4
    assert (other.study_models.count(), other.study_prompts.count()) == (3, 2)


def test_a_study_that_is_no_draft_is_not_widened():
    study, other = two_studies()
    start_preparing(study=other)
    with pytest.raises(TransitionRefused, match="Put it back to draft"):
        share_clips(study=other, clips=clips_of_study(study), widen=True)
    assert other.roster.count() == 0


def told(*words: str) -> str:
    out = StringIO()
    call_command("share_clips", *words, stdout=out)
    return out.getvalue()


def test_the_command_lists_counts_and_shares():
    two_studies()
    assert "--of-study s  4 clips" in told("other")
    counted = "4 clips: 1 new in other, 0 there already, 0 left out"
    assert counted in told("other", "--of-study", "s", "--dry-run")
    assert not RosterEntry.objects.filter(study__slug="other").exists()
    assert "Put 1 clips into other." in told("other", "--of-study", "s")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "There is no study “none”."),
        (["other", "--of-study", "none"], "There is no study “none”."),
        (["other", "--of-import", "9"], "There is no import 9."),
    ],
)
def test_the_command_says_what_there_is_not(words, said):
    two_studies()
    with pytest.raises(CommandError, match=said):
        told(*words)


# Rosters of studies from before


def test_what_earlier_studies_took_is_put_on_their_rosters():
    study, other = two_studies()
    first, second = models_of(study)
    prompt = study.study_prompts.first().prompt
    late = [make_stimulus(model, prompt, seed=9) for model in (first, second)]
    made = make_stimulus(first, prompt, seed=4, source="endpoint: lab")
    RosterEntry.objects.all().delete()
    import_module("annotations.migrations.0022_fill_rosters").put_on_rosters(apps, None)
    entries = study.roster.filter(prompt=prompt).order_by("model", "sample")
    assert [(entry.model, entry.stimulus.seed, entry.sample) for entry in entries] == [
        (first, 0, 1),
        (first, 4, 2),
        (first, 9, 3),
        (second, 0, 1),
        (second, 9, 3),
    ]
    assert entries.get(stimulus=made).origin == RosterOrigin.MADE
    assert entries.get(stimulus=late[0]).origin == RosterOrigin.IMPORTED
    assert (study.roster.count(), other.roster.count()) == (7, 3)


# No clip from outside reaches a rater

STUDIES, MODELS, PROMPTS = 3, 2, 2
places = st.tuples(
    st.integers(0, STUDIES - 1),
    st.integers(0, MODELS - 1),
    st.integers(0, PROMPTS - 1),
    st.integers(0, 2),
)
acts = st.one_of(
    st.tuples(st.just("put"), places),
    st.tuples(st.just("store"), places),
    st.tuples(
        st.just("share"), st.tuples(st.integers(0, STUDIES - 1), st.integers(0, STUDIES - 1))
    ),
    st.tuples(st.just("take out"), st.integers(0, STUDIES - 1)),
    st.tuples(st.just("open"), st.integers(0, STUDIES - 1)),
    st.tuples(st.just("sweep"), st.none()),
)


class World:
    """Studies of the same models and prompts, with owners who put in what they like."""

    def __init__(self, rule: str) -> None:
        self.models = [make_model() for _ in range(MODELS)]
        self.prompts: list[Prompt] = [make_prompt() for _ in range(PROMPTS)]
        self.studies = [
            create_study(
                title="S",
                slug=f"of-{number}",
                models=self.models,
                prompts=self.prompts,
                sample_pairing=rule,
                skip_percent=None,
            )
            for number in range(STUDIES)
        ]
        for study in self.studies:
            CheckPlan.objects.create(study=study, identical_per_rater=1, degraded_per_rater=1)
        # What owners put in, noted apart from the rosters.
        self.put_in: dict[int, set[int]] = {study.pk: set() for study in self.studies}

    def act(self, what: str, chosen) -> None:
        if what in ("put", "store"):
            self._clip(*chosen, is_put=what == "put")
        elif what == "share":
            self._share(*chosen)
        elif what == "take out":
            self._take_out(self.studies[chosen])
        elif what == "open":
            opened(self._fresh(self.studies[chosen]))
        else:
            sync_all_comparisons(now=timezone.now())

    def _fresh(self, study: Study) -> Study:
        return Study.objects.get(pk=study.pk)

    def _clip(self, study: int, model: int, prompt: int, seed: int, *, is_put: bool) -> None:
        clip = make_stimulus(self.models[model], self.prompts[prompt], seed=seed)
        if not is_put:
            return
        try:
            put_in(study=self.studies[study], clips=[clip], origin=RosterOrigin.IMPORTED)
        except StimulusRefused:
            return
        self.put_in[self.studies[study].pk].add(clip.pk)

    def _share(self, source: int, target: int) -> None:
        study = self.studies[target]
        before = set(study.roster.values_list("stimulus", flat=True))
        offered = self.put_in[self.studies[source].pk]
        share_clips(study=study, clips=clips_of_study(self.studies[source]))
        new = set(study.roster.values_list("stimulus", flat=True)) - before
        assert new <= offered
        self.put_in[study.pk] |= new

    def _take_out(self, study: Study) -> None:
        entry = study.roster.first()
        if entry is None or self._fresh(study).state != "draft":
            return
        take_out(entry=entry)
        self.put_in[study.pk].discard(entry.stimulus_id)


@pytest.mark.parametrize("rule", SamplePairing.values)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(done=st.lists(acts, min_size=6, max_size=24))
def test_no_clip_from_outside_a_studys_roster_reaches_a_rater_of_it(db, rule, done):
    with transaction.atomic():
        world = World(rule)
        for what, chosen in done:
            world.act(what, chosen)
        for study in world.studies:
            shown = shown_to_a_rater(opened(Study.objects.get(pk=study.pk)))
            assert shown <= world.put_in[study.pk]
            assert set(study.roster.values_list("stimulus", flat=True)) == world.put_in[study.pk]
        transaction.set_rollback(True)


def shown_to_a_rater(study: Study) -> set[int]:
    """The clips behind every pair that somebody is given who judges until nothing is left."""
    if study.state != "open":
        return set()
    rater = make_rater(study)
    while assignment := claim(rater):
        answer_both(assignment, "left")
    given_out = Comparison.objects.filter(assignments__rater=rater)
    assert given_out.exists()
    sides = ("stimulus_a", "stimulus_b", "rendition_a__stimulus", "rendition_b__stimulus")
    return {clip for clips in given_out.values_list(*sides) for clip in clips}
