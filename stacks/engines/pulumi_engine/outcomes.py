"""How a run of a stack ended, root by root, and what of its end nobody wants to read."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from contracts.run import RootRun, RunStatus
from stacks.engines.causes import with_next_step
from stacks.engines.engine import Action
from stacks.engines.pulumi_engine import ending
from stacks.engines.pulumi_engine.events import Events

COMPLETE = (RunStatus.DONE, RunStatus.CLEAN)
BY_FORCE = (
    f"its state could not be written and it did not end within {ending.PATIENCE_S:g} s, so that it was ended by force: "
    "what it made is not known; next: the same command looks for what exists, and goes on"
)


@contextmanager
def quiet_program() -> Iterator[None]:
    """Keeps back the traceback of a program whose engine went before it, as it does when a resource fails.

    Pulumi's language server has one last debug message for the engine then: pulumi/automation/_server.py, `Run`.
    """

    def tells(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not (isinstance(error, grpc.RpcError) and "UNAVAILABLE" in str(error))

    logger = logging.getLogger("grpc._server")
    logger.addFilter(tells)
    try:
        yield
    finally:
        logger.removeFilter(tells)


def root_run(root: str, events: Events, failure: str, *, forced: bool, seconds: float) -> RootRun:
    """How one root of a stack ended.

    Args:
        root: which of them.
        events: what was heard of the stack's run.
        failure: what went wrong that is no resource's; empty where nothing did.
        forced: the run was ended by force: nobody knows what it did last.
        seconds: how long it took.
    """
    done: Counter[Action] = events.done.get(root, Counter())
    lines = [with_next_step(line, line) for line in events.failures.get(root, ())]
    told = "; ".join((failure, *lines)) if forced else "; ".join(lines) or failure
    ended = RunStatus.FAILED if told else RunStatus.DONE if done else RunStatus.CLEAN
    return RootRun(
        root=root,
        status=RunStatus.UNKNOWN if forced else ended,
        created=done[Action.CREATE],
        updated=done[Action.UPDATE],
        deleted=done[Action.DELETE],
        seconds=round(seconds, 3),
        message=told,
    )
