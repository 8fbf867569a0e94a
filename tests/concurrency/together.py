"""Several people act at once: each in a thread with a connection of its own."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

Body = Callable[[], Any]
Execute = Callable[..., Any]

PATIENCE = 0.4
"""Seconds for which one who is about to write waits for the others to have read. Under a lock they never have."""

WRITES = ("INSERT", "UPDATE", "DELETE")


def together(*bodies: Body) -> list[Any]:
    """Run these at the same time, and make the worst of it: nobody writes before everybody has read.

    Each begins when the one before is about to write, so the first surely has what the next one wants.
    Where locks hold, the next ones cannot have read yet, and after a moment the first goes on alone.
    Returns what each of them returned or raised, in their order.
    """
    all_have_read = threading.Barrier(len(bodies))
    turns = [threading.Event() for _ in range(len(bodies) + 1)]
    outcomes: list[Any] = [None] * len(bodies)

    def act(number: int, body: Body) -> None:
        next_turn, written = turns[number + 1], False

        def before_writing(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            nonlocal written
            if not written and sql.lstrip().startswith(WRITES):
                written = True
                next_turn.set()
                with contextlib.suppress(threading.BrokenBarrierError):
                    all_have_read.wait(PATIENCE)
            return execute(sql, params, many, context)

        turns[number].wait(10)
        try:
            with connection.execute_wrapper(before_writing):
                outcomes[number] = body()
        except Exception as error:
            outcomes[number] = error
        finally:
            next_turn.set()
            connection.close()

    threads = [threading.Thread(target=act, args=pair, daemon=True) for pair in enumerate(bodies)]
    for thread in threads:
        thread.start()
    turns[0].set()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "somebody hangs"
    return outcomes


def winners(outcomes: list[Any]) -> list[Any]:
    """What those returned who were not refused."""
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def losers(outcomes: list[Any]) -> list[Exception]:
    """What the others raised."""
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]
