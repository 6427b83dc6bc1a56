# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import collections
import random
import time
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import (
    EAGER,
    ORDERINGS,
    PLANNED,
    Job,
    Limits,
    Schedule,
    limit_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import (
    LONGEST_JOB,
    lower_bound,
    measured_lower_bound,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_order import order_jobs
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_simulation import (
    choose_ordering,
    draw_durations,
    simulate,
)


def node_jobs(count: int, sources: int, targets: int, tables: int, seed: int) -> t.List[Job]:
    chance = random.Random(seed)
    return [
        Job(
            str(number),
            (
                "global",
                f"per_source:{chance.randrange(sources)}",
                f"per_target:{100 + chance.randrange(targets)}",
                f"per_table:{chance.randrange(tables)}",
            ),
        )
        for number in range(count)
    ]


def make_jobs(rows: t.Sequence[t.Tuple[int, int, int, float]]) -> t.List[Job]:
    return [
        Job(f"j{number:03}", ("global", f"per_source:{s}", f"per_target:{d}", f"per_table:{tab}"), cost)
        for number, (s, d, tab, cost) in enumerate(rows)
    ]


COSTS = st.one_of(st.just(1.0), st.floats(0.0, 50.0, allow_nan=False))
JOBS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 5), COSTS), max_size=40).map(make_jobs)
LIMIT = st.one_of(st.none(), st.integers(1, 4))
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "global": st.integers(1, 6),
        "per_source": LIMIT,
        "per_target": LIMIT,
        "per_table": LIMIT,
        "per_source:1": LIMIT,
    },
)


def in_use(jobs: t.Iterable[Job]) -> t.Mapping[str, int]:
    return collections.Counter(key for job in jobs for key in set(job.keys))


def assert_within(running: t.Iterable[Job], limits: Limits) -> None:
    for key, used in in_use(running).items():
        limit = limit_of(key, limits)
        assert limit is None or used <= limit, f"{used} jobs on {key}, {limit} allowed"


@settings(deadline=None, max_examples=150)
@given(jobs=JOBS, limits=LIMITS, ordering=st.sampled_from(ORDERINGS), data=st.data())
def test_never_over_a_limit_and_every_job_ends_exactly_once(
    jobs: t.List[Job], limits: Limits, ordering: str, data: st.DataObject
) -> None:
    schedule = Schedule(jobs, limits, ordering)
    position = {job.id: number for number, job in enumerate(jobs)}
    waiting = list(jobs)
    running: t.List[Job] = []
    retried: t.Set[str] = set()
    while waiting or running:
        before = list(running)
        started = schedule.start(at_most=data.draw(st.one_of(st.none(), st.integers(1, 3)), label="at most"))
        for job in started:
            # The one rule of each ordering, restated without queues.
            free = [
                other
                for other in waiting
                if all((limit_of(key, limits) or len(jobs)) > in_use(running).get(key, 0) for key in set(other.keys))
            ]
            assert job == (free[0] if ordering == EAGER else waiting[0])
            waiting.remove(job)
            running.append(job)
            assert_within(running, limits)
        assert [job.id for job in running] == schedule.running
        assert schedule.waiting == len(waiting)
        assert started or before, "nothing runs and nothing starts"
        ended = data.draw(st.sampled_from(running), label="ends")
        running.remove(ended)
        if ended.id not in retried and data.draw(st.booleans(), label="again"):
            retried.add(ended.id)
            schedule.requeue(ended.id)
            waiting.append(ended)
            waiting.sort(key=lambda job: position[job.id])
        else:
            schedule.finish(ended.id)
    assert schedule.start() == []
    assert schedule.blocked_by() is None


@settings(deadline=None, max_examples=150)
@given(jobs=JOBS, limits=LIMITS, ordering=st.sampled_from(ORDERINGS), seed=st.integers(0, 99))
def test_no_run_is_shorter_than_the_lower_bound(jobs: t.List[Job], limits: Limits, ordering: str, seed: int) -> None:
    bound = lower_bound(jobs, limits)
    assert simulate(jobs, limits, ordering) >= bound.value * (1 - 1e-9)
    assert simulate(order_jobs(jobs, limits), limits, ordering) >= bound.value * (1 - 1e-9)
    durations = draw_durations(jobs, seed)
    measured = measured_lower_bound(jobs, limits, durations)
    assert simulate(jobs, limits, ordering, durations) >= measured.value * (1 - 1e-9)
    rounds = simulate(jobs, limits, ordering, dict.fromkeys(durations, 1.0))
    assert rounds >= bound.jobs_deep


@settings(deadline=None, max_examples=100)
@given(jobs=JOBS, limits=LIMITS, seed=st.integers(0, 99))
def test_the_order_holds_every_job_once_and_depends_on_the_set_only(
    jobs: t.List[Job], limits: Limits, seed: int
) -> None:
    ordered = order_jobs(jobs, limits)
    assert sorted(job.id for job in ordered) == [job.id for job in jobs]
    shuffled = list(jobs)
    random.Random(seed).shuffle(shuffled)
    assert order_jobs(shuffled, limits) == ordered
    assert choose_ordering(ordered, limits) == choose_ordering(ordered, limits)


def test_an_exact_limit_wins_over_its_kind_and_none_means_unlimited() -> None:
    limits = {"per_source": 4, "per_source:3": 1, "per_table": None}
    assert limit_of("per_source:1", limits) == 4
    assert limit_of("per_source:3", limits) == 1
    assert limit_of("per_table:7", limits) is None
    assert limit_of("global", limits) is None


@pytest.mark.parametrize("limits", [{"global": 0}, {"per_source": -1}])
def test_a_limit_below_one_is_refused(limits: Limits) -> None:
    job = Job("a", ("global", "per_source:1"))
    with pytest.raises(ValueError, match="at least 1 is needed"):
        Schedule([job], limits)
    with pytest.raises(ValueError, match="at least 1 is needed"):
        lower_bound([job], limits)


def test_planned_holds_back_what_eager_passes_over() -> None:
    jobs = [Job("a", ("node:1",)), Job("b", ("node:1",)), Job("c", ("node:2",))]
    planned, eager = Schedule(jobs, {"node": 1}, PLANNED), Schedule(jobs, {"node": 1}, EAGER)
    assert [job.id for job in planned.start()] == ["a"]
    assert planned.blocked_by() == "node:1"
    assert [job.id for job in eager.start()] == ["a", "c"]
    planned.finish("a")
    assert [job.id for job in planned.start()] == ["b", "c"]


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_job_found_running_takes_its_slot_and_a_discarded_one_never_starts(ordering: str) -> None:
    jobs = [Job(name, ("global",)) for name in "abcd"]
    schedule = Schedule(jobs, {"global": 1}, ordering)
    schedule.adopt("c")
    schedule.discard("a")
    assert schedule.start() == []
    schedule.finish("c")
    assert [job.id for job in schedule.start()] == ["b"]
    schedule.finish("b")
    assert [job.id for job in schedule.start()] == ["d"]
    assert schedule.waiting == 0


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_adopting_beyond_a_limit_waits_until_the_count_is_below_it(ordering: str) -> None:
    jobs = [Job(name, ("global",)) for name in "abc"]
    schedule = Schedule(jobs, {"global": 1}, ordering)
    schedule.adopt("a")
    schedule.adopt("b")
    schedule.finish("a")
    assert schedule.start() == []
    schedule.finish("b")
    assert [job.id for job in schedule.start()] == ["c"]


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_other_limits_hold_for_what_is_left(ordering: str) -> None:
    jobs = [Job(str(number), ("global", f"per_source:{number % 2}")) for number in range(8)]
    schedule = Schedule(jobs, {"global": 4}, ordering)
    schedule.discard("7")
    first = [job.id for job in schedule.start()]
    schedule.finish(first[0])
    tighter = schedule.with_limits({"global": 1})
    assert (tighter.running, tighter.waiting) == (first[1:], 3)
    assert tighter.start() == []
    for job_id in first[1:]:
        assert tighter.start() == [], "as many run as before, and more than may"
        tighter.finish(job_id)
    assert len(tighter.start()) == 1
    wider = tighter.with_limits({})
    assert [job.id for job in wider.start()] == ["5", "6"]
    assert wider.waiting == 0


def test_misuse_is_named() -> None:
    schedule = Schedule([Job("a", ())], {})
    with pytest.raises(ValueError, match="job a is not running"):
        schedule.finish("a")
    schedule.start()
    with pytest.raises(ValueError, match="job a is not waiting"):
        schedule.discard("a")
    with pytest.raises(ValueError, match="two jobs have the same id"):
        Schedule([Job("a", ()), Job("a", ())], {})
    with pytest.raises(ValueError, match="ordering is 'fastest'"):
        Schedule([], {}, "fastest")


def test_the_bound_names_what_binds() -> None:
    jobs = [Job(str(n), ("global", "per_source:1", f"per_target:{n % 4}")) for n in range(48)]
    bound = lower_bound(jobs, {"global": 32, "per_source": 4, "per_target": 4})
    assert (bound.binding, bound.value, bound.jobs_deep) == ("per_source:1", 12.0, 12)
    assert bound.explanation == "48 of 48 jobs share per_source:1, of which 4 may run at once."
    assert next(iter(bound.by_key)) == "per_source:1"
    assert bound.by_key["per_target:0"] == 3.0
    wide = lower_bound(jobs, {"global": 2, "per_source": 4})
    assert (wide.binding, wide.jobs_deep) == ("global", 24)


def test_the_bound_of_one_long_job_is_that_job() -> None:
    bound = lower_bound([Job("a", ("global",), 9.0), Job("b", ("global",), 1.0)], {"global": 2})
    assert (bound.value, bound.binding, bound.jobs_deep) == (9.0, LONGEST_JOB, 1)
    assert "a" in bound.explanation
    assert lower_bound([Job("a", ("global",), 9.0)], {}).value == 9.0


def test_the_bound_of_nothing_is_nothing() -> None:
    bound = lower_bound([], {"global": 1})
    assert (bound.value, bound.binding, bound.jobs_deep) == (0.0, "", 0)
    assert choose_ordering([], {}).ordering == PLANNED


def test_one_long_job_starts_first() -> None:
    jobs = [*(Job(str(n), ("global", f"per_source:{n % 3}"), 1.0) for n in range(60)), Job("long", ("global",), 18.0)]
    limits = {"global": 4, "per_source": 2}
    assert order_jobs(jobs, limits)[0].id == "long"
    assert simulate(order_jobs(jobs, limits), limits, EAGER) <= 1.05 * lower_bound(jobs, limits).value


def test_order_spreads_every_key_evenly() -> None:
    jobs = [Job(f"{n:02}", ("global", f"per_source:{n // 20}", f"per_target:{n % 5}")) for n in range(40)]
    order = order_jobs(jobs, {"global": 8, "per_source": 4, "per_target": 4})
    for start in range(0, 40, 10):
        window = in_use(order[start : start + 10])
        assert window["per_source:0"] == window["per_source:1"] == 5
        assert all(1 <= window[f"per_target:{n}"] <= 3 for n in range(5))


def test_plan_order_is_kept_where_it_costs_little_and_left_where_it_costs_much() -> None:
    drain = node_jobs(1000, 1, 10, 50, seed=5)
    limits = {"global": 32, "per_source": 4, "per_target": 4}
    choice = choose_ordering(order_jobs(drain, limits), limits)
    assert choice.ordering == PLANNED
    assert choice.penalty < 0.02
    everywhere = node_jobs(1000, 10, 10, 50, seed=5)
    limits = {"global": 40, "per_source": 4, "per_target": 4}
    choice = choose_ordering(order_jobs(everywhere, limits), limits)
    assert choice.ordering == EAGER
    assert choice.penalty > 0.10
    assert f"{100 * choice.penalty:.0f} %" in choice.reason


# (sources, targets, tables, limits): one source, node limits that all bind, the global limit, tables that bind.
SHAPES: t.List[t.Tuple[int, int, int, Limits]] = [
    (1, 10, 50, {"global": 64, "per_source": 4, "per_target": 4}),
    (10, 10, 50, {"global": 32, "per_source": 4, "per_target": 4}),
    (10, 10, 50, {"global": 16, "per_source": 4, "per_target": 4}),
    (5, 5, 50, {"global": 64, "per_source": 8, "per_target": 8}),
    (10, 10, 20, {"global": 32, "per_source": 4, "per_target": 4, "per_table": 1}),
    (10, 10, 1000, {"global": 32, "per_source": 4, "per_target": 4, "per_table": 1}),
]


@pytest.mark.parametrize(("count", "worst"), [(1000, 1.08), (10000, 1.02)])
@pytest.mark.parametrize("shape", SHAPES)
def test_eager_stays_near_the_bound_with_durations_that_vary(
    count: int, worst: float, shape: t.Tuple[int, int, int, Limits]
) -> None:
    sources, targets, tables, limits = shape
    jobs = order_jobs(node_jobs(count, sources, targets, tables, seed=count), limits)
    durations = draw_durations(jobs, seed=3)
    makespan = simulate(jobs, limits, EAGER, durations)
    assert makespan <= worst * measured_lower_bound(jobs, limits, durations).value


def test_ten_thousand_jobs_are_ordered_and_simulated_within_a_second_of_cpu() -> None:
    limits = {"global": 32, "per_source": 4, "per_target": 4, "per_table": 1}
    jobs = node_jobs(10000, 10, 10, 1000, seed=1)
    begin = time.process_time()
    order = order_jobs(jobs, limits)
    simulate(order, limits, EAGER)
    # About 0.3 s on the machine it was written on; a quadratic step would take a minute.
    assert time.process_time() - begin < 3.0


def test_a_tick_does_not_look_at_every_waiting_job() -> None:
    """A blocked queue of 20,000 jobs: 20,000 ticks that start one job each must not scan it each time."""
    jobs = [Job(str(n), ("global", "per_source:1", f"per_table:{n}")) for n in range(20000)]
    schedule = Schedule(jobs, {"global": 64, "per_source": 1, "per_table": 1}, EAGER)
    begin = time.process_time()
    started = 0
    while schedule.waiting:
        for job in schedule.start():
            schedule.finish(job.id)
            started += 1
    assert started == 20000
    assert time.process_time() - begin < 5.0
