"""The language of multipliers: what it means, what it refuses, and that it survives being written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.loras.multipliers import LIMIT, Multiplier, format_many, parse_many, parse_one, value_index

numbers = st.floats(-LIMIT, LIMIT, allow_nan=False)
multipliers = st.lists(st.lists(numbers, min_size=1, max_size=5).map(tuple), min_size=1, max_size=3).map(
    lambda phases: Multiplier(tuple(phases)))


def test_one_number_holds_at_every_step_and_phase():
    one = parse_one("0.8")
    assert {one.value_at(step, 30, phase, 2) for step in range(30) for phase in (0, 1)} == {0.8}


def test_values_are_spread_evenly_over_the_steps():
    values = [parse_one("1,0.5,0").value_at(step, 6) for step in range(6)]
    assert values == [1, 1, 0.5, 0.5, 0, 0]


def test_more_values_than_steps_begin_with_the_first():
    assert [parse_one("1,2,3,4").value_at(step, 2) for step in range(2)] == [1, 3]


def test_phases_have_their_own_values():
    entry = parse_one("0;1,0.5")
    assert [entry.value_at(step, 4, 0, 2) for step in range(4)] == [0, 0, 0, 0]
    assert [entry.value_at(step, 4, 1, 2) for step in range(4)] == [1, 1, 0.5, 0.5]
    assert entry.is_zero(0) and not entry.is_zero(1)


def test_empty_is_one_and_spaces_and_comments_are_allowed():
    assert parse_one("") == parse_one("  # full strength") == Multiplier()
    assert parse_one(" 0 ; 1 , .5 # late") == parse_one("0;1,0.5")


def test_many_are_parted_by_spaces_and_lines_and_padded_with_one():
    text = "0.8 0;1 # the first two\n# a whole line\n-1e-1"
    assert parse_many(text, 4) == (Multiplier.constant(0.8), Multiplier(((0,), (1,))), Multiplier.constant(-0.1),
                                   Multiplier())
    assert parse_many("", 2) == (Multiplier(), Multiplier())


@pytest.mark.parametrize(("text", "where"), [
    ("abc", "position 1"), ("1,x", "position 3"), ("1,,2", "position 3"), ("1;", "position 3"), (",1", "position 1"),
    ("1,0.5 2 # c", "position 7"), ("nan", "position 1"), ("inf", "position 1"), ("1000", "position 1"),
    ("1_0", "position 1"), ("\n 1;z", "line 2, position 4"), ("٣", "position 1"),
])
def test_errors_say_where(text: str, where: str):
    with pytest.raises(RequestError) as caught:
        parse_one(text)
    assert where in str(caught.value)
    assert caught.value.field == "loras"


def test_too_many_entries_are_refused_at_their_place():
    with pytest.raises(RequestError, match=r"position 3: there are 2 multipliers for 1 LoRA\."):
        parse_many("1 2", 1)
    with pytest.raises(RequestError, match="line 2, position 3: a number is missing"):
        parse_many("1\n1, 2", 3)


@given(multipliers)
def test_round_trip(multiplier: Multiplier):
    assert parse_one(str(multiplier)) == multiplier


@given(st.lists(multipliers, max_size=4).map(tuple), st.integers(0, 3))
def test_round_trip_of_sets(found: tuple[Multiplier, ...], more: int):
    assert parse_many(format_many(found), len(found) + more) == found + (Multiplier(),) * more


@given(st.integers(1, 200), st.integers(1, 250))
def test_indices_rise_by_steps_cover_and_stay_in_range(count: int, steps: int):
    indices = [value_index(step, steps, count) for step in range(steps)]
    assert indices == sorted(indices)
    assert indices[0] == 0 and max(indices) < count
    if steps >= count:
        assert set(indices) == set(range(count))
        lengths = [indices.count(i) for i in range(count)]
        assert max(lengths) - min(lengths) <= 1


@given(multipliers, st.integers(1, 60), st.data())
def test_every_value_is_one_that_was_written(multiplier: Multiplier, steps: int, data: st.DataObject):
    phases = data.draw(st.integers(1, 3))
    step, phase = data.draw(st.integers(0, steps - 1)), data.draw(st.integers(0, phases - 1))
    value = multiplier.value_at(step, steps, phase, phases)
    assert value in multiplier.phases[min(phase, len(multiplier.phases) - 1)]


@given(st.text(alphabet="01.,; \n#e-+x", max_size=20))
def test_any_text_is_read_or_refused(text: str):
    try:
        read = parse_many(text, 50)
    except RequestError:
        return
    assert len(read) == 50
