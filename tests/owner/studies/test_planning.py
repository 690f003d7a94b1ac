"""The planning page: its figures are those of the planning functions, its entries are checked."""

import html
import re

import pytest
from django.urls import reverse

from tests.owner.forms import form_values

pytestmark = pytest.mark.django_db


def plan_of(owner, **entries):
    answer = owner.get(reverse("owner-plan"), entries)
    return answer, answer.context["plan"]


def test_the_page_is_for_owners_only(client):
    assert client.get(reverse("owner-plan")).status_code == 302


def test_it_is_filled_in_at_the_first_visit(owner):
    answer, plan = plan_of(owner)
    assert answer.status_code == 200
    assert plan.votes == 1000


def test_a_study_is_set_up_by_the_plan(owner):
    answer, _ = plan_of(owner, prompts=150, raters=3)
    link = re.search(r'href="(/admin/annotations/study/add/[^"]*)"', answer.content.decode())
    values = form_values(owner.get(html.unescape(link[1])).content.decode())
    assert (values["planned_comparisons"], values["raters_per_comparison"]) == ("150", "3")


def test_prompts_for_a_half_width_are_those_of_the_table(owner):
    # statistics.md G: Wilson, half width 5 points at one half: 381.
    _, plan = plan_of(owner, win_rate=50, half_width=5, incomplete=0)
    assert plan.for_width == 381


def test_prompts_to_detect_are_those_of_the_table(owner):
    # statistics.md G: 60 %, power 80 %: normal 194, first 199, safe 210.
    _, plan = plan_of(owner, win_rate=60, power=80, incomplete=0)
    found = plan.to_detect
    assert [found.normal, found.exact_first, found.exact_safe] == [194, 199, 210]
    assert plan.to_detect_planned == 210


def test_ties_and_incomplete_comparisons_ask_for_more_prompts(owner):
    # 210 / (1 - 0.1) / (1 - 0.2) = 291.7
    _, plan = plan_of(owner, win_rate=60, power=80, ties=10, incomplete=20)
    assert plan.to_detect_planned == 292


def test_what_a_majority_of_five_does(owner):
    # protocol.md 4: single vote .60 -> majority of five .683, .80 -> .942.
    _, plan = plan_of(owner, raters=5)
    found = dict(plan.majority)
    assert [round(found[60.0], 1), round(found[80.0], 1)] == [68.3, 94.2]


def test_the_cost_is_hours_times_pay_with_the_fee_on_top(owner):
    # 200 prompts x 5 raters x 36 s = 10 h; at 12 an hour 120; with 25 % on top 150.
    _, plan = plan_of(owner, prompts=200, raters=5, seconds=36, pay=12, fee=25, pairs=1)
    assert [plan.hours, plan.pay, plan.cost] == pytest.approx([10.0, 120.0, 150.0])


def test_enough_raters_for_their_share_and_never_fewer_than_a_comparison_needs(owner):
    assert plan_of(owner, prompts=200, raters=5, per_rater=40)[1].panel == 25
    assert plan_of(owner, prompts=4, raters=5, per_rater=40)[1].panel == 5


@pytest.mark.parametrize("win_rate", [50, 50.1])
def test_a_difference_that_nothing_could_tell_is_said_so(owner, win_rate):
    answer, plan = plan_of(owner, win_rate=win_rate)
    assert plan.to_detect is None
    assert "so small a difference" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "value"), [("prompts", 1), ("raters", "many"), ("win_rate", 100), ("fee", -1)]
)
def test_an_entry_that_cannot_be_is_named_beside_its_field(owner, name, value):
    answer, plan = plan_of(owner, **{name: value})
    assert [answer.status_code, plan, list(answer.context["form"].errors)] == [400, None, [name]]


def test_the_curves_fall_and_rise_as_prompts_are_added(owner):
    _, plan = plan_of(owner)
    widths = [value for _, value in plan.width_curve.rows]
    powers = [value for _, value in plan.power_curve.rows]
    assert widths == sorted(widths, reverse=True)
    assert powers[-1] > powers[0]
