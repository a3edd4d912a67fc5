"""What is done beside a block, in a thread."""

import time

import pytest

from pipeline.base.threads import repeated


def test_a_function_is_called_meanwhile_and_once_more_with_all_that_the_block_did():
    done, seen = [], []
    with repeated(lambda: seen.append(len(done)), 0.01):
        end = time.monotonic() + 10
        while len(seen) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        done.append("last")
    assert len(seen) > 3
    assert (seen[0], seen[-1]) == (0, 1)


def test_an_error_of_the_block_ends_the_calls_and_is_passed_on():
    seen = []

    def fail():
        with repeated(lambda: seen.append(0), 60):
            raise ValueError("of the block")

    with pytest.raises(ValueError, match="of the block"):
        fail()
    assert 1 <= len(seen) <= 2


def test_an_error_of_the_function_is_raised_at_the_end_of_the_block():
    done = []

    def fail():
        raise ValueError("of the thread")

    with pytest.raises(ValueError, match="of the thread"), repeated(fail, 0.01):
        done.append("the block")
    assert done
