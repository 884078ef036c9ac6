"""Results in order, a bounded number of items ahead, exceptions in their place, nothing left running."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.system.threads import map_ahead, ordered_map


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_results_come_in_the_order_of_the_items(items, workers, ahead):
    def work(item):
        time.sleep(0.0005 * item)  # later items finish first
        return item * item

    assert list(ordered_map(work, iter(items), workers, ahead=ahead)) == [item * item for item in items]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 1), (2, 3), (3, 7)])
def test_items_are_drawn_only_a_few_ahead(workers, ahead):
    drawn = []

    def items():
        for number in range(30):
            drawn.append(number)
            yield number

    for done, result in enumerate(ordered_map(lambda item: item, items(), workers, ahead=ahead)):
        assert result == done
        assert len(drawn) - done <= ahead
    assert len(drawn) == 30


def test_as_many_items_run_at_a_time_as_there_are_threads():
    barrier = threading.Barrier(3, timeout=20)
    assert len(list(ordered_map(lambda _: barrier.wait(), range(9), 3))) == 9


def test_an_exception_comes_in_the_place_of_its_result():
    started = []

    def work(item):
        started.append(item)
        if item == 3:
            raise ValueError("three")
        return item

    results = ordered_map(work, range(1000), 2, ahead=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert max(started) < 10


def test_an_exception_of_the_items_is_raised():
    def items():
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(ordered_map(abs, items(), 1))


def test_closing_cancels_what_has_not_begun_and_ends_the_threads():
    begun, release = [], threading.Event()

    def work(item):
        begun.append(item)
        if item:
            release.wait(20)

    results = ordered_map(work, range(100), 1, ahead=5, name="closing-test")
    next(results)
    while len(begun) < 2:
        time.sleep(0.001)
    threading.Timer(0.05, release.set).start()
    results.close()
    assert begun == [0, 1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("closing-test")]


def test_a_pool_of_the_caller_stays_open():
    with ThreadPoolExecutor(2) as pool:
        assert list(map_ahead(pool, abs, [-1, -2], ahead=1)) == [1, 2]
        results = map_ahead(pool, abs, [-1, -2, -3], ahead=2)
        next(results)
        results.close()
        assert pool.submit(abs, -4).result() == 4
