"""A lock that many threads share, or that one of them holds exclusively."""

import signal
import threading

import pytest

from embedcache.store.shared_lock import SharedLock
from tests.conftest import HANG


def test_threads_share_the_lock_or_one_holds_it_exclusively():
    lock = SharedLock()
    inside = []

    def work(number):
        for _ in range(300):
            if number % 2:
                with lock.exclusive():
                    inside.append(number)
                    assert inside == [number]
                    inside.remove(number)
            else:
                with lock.shared():
                    assert not inside

    failures = []
    hook, threading.excepthook = threading.excepthook, failures.append
    try:
        threads = [threading.Thread(target=work, args=[number], daemon=True) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG)
    finally:
        threading.excepthook = hook
    assert not failures
    assert not any(thread.is_alive() for thread in threads)


def test_two_threads_share_the_lock_at_the_same_time():
    lock = SharedLock()
    both = threading.Barrier(2)

    def share():
        with lock.shared():
            both.wait(HANG)

    thread = threading.Thread(target=share, daemon=True)
    thread.start()
    share()
    thread.join(HANG)
    with lock.exclusive():
        pass


def test_a_thread_that_waits_for_exclusive_access_takes_precedence_over_later_threads():
    lock = SharedLock()
    order = []

    def enter(name, how):
        with how():
            order.append(name)

    with lock.shared():
        waiting = threading.Thread(target=enter, args=["exclusive", lock.exclusive], daemon=True)
        waiting.start()
        while not lock._exclusive:  # it waits
            pass
        later = threading.Thread(target=enter, args=["later", lock.shared], daemon=True)
        later.start()
        later.join(0.2)
        order.append("first")
    for thread in (waiting, later):
        thread.join(HANG)
    assert order == ["first", "exclusive", "later"]


def test_a_lock_is_free_after_errors_inside_and_after_ctrl_c_while_waiting():
    lock = SharedLock()
    for how in (lock.shared, lock.exclusive):
        with pytest.raises(ValueError, match="inside"), how():
            raise ValueError("inside")
    interrupted = threading.Event()

    def interrupt_once(*_):
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def press_ctrl_c():  # again, since a signal that comes just before the wait does not end it
        while not lock._changed._waiters:
            pass
        while not interrupted.wait(0.01):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    before = signal.signal(signal.SIGINT, interrupt_once)
    thread = threading.Thread(target=press_ctrl_c)
    try:
        with lock.shared():
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                lock.acquire_exclusive()
            with lock.shared():
                pass
        with lock.exclusive():
            pass
        thread.join(HANG)
    finally:
        signal.signal(signal.SIGINT, before)
