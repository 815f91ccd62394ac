"""A run that failed somewhere and of which nothing more is heard is told to be stuck, once."""

import threading

import pytest
from pulumi.automation.events import DiagnosticEvent, EngineEvent, OpType, ResOpFailedEvent, ResourcePreEvent
from pulumi.automation.events import StepEventMetadata as Metadata

from stacks.engines.pulumi_engine import events as module
from stacks.engines.pulumi_engine.events import Events
from stacks.engines.pulumi_engine.naming import BRIDGES

TYPE = BRIDGES["estate_network"].token
PATIENCE_S = 5.0


def metadata(name):
    urn = f"urn:pulumi:dev::prestage::{TYPE}::{name}"
    return Metadata(op=OpType.UPDATE, urn=urn, type=TYPE, provider="")


def begun(name):
    return EngineEvent(sequence=1, timestamp=0, resource_pre_event=ResourcePreEvent(metadata=metadata(name)))


def failed(name):
    return EngineEvent(
        sequence=1, timestamp=0, res_op_failed_event=ResOpFailedEvent(metadata=metadata(name), status=0, steps=0)
    )


def told(name):
    said = DiagnosticEvent(message="no answer in time", color="never", severity="error", urn=metadata(name).urn)
    return EngineEvent(sequence=1, timestamp=0, diagnostic_event=said)


@pytest.fixture
def stuck(monkeypatch):
    monkeypatch.setattr(module, "STILL_S", 0.05)
    return threading.Semaphore(0)


@pytest.fixture
def events(stuck):
    made = Events(lambda key: "fra", lambda done, key: None, lambda: None, stuck.release)
    yield made
    made.over()


def test_a_failure_and_then_nothing_is_stuck_once(events, stuck):
    for event in (begun("fra/network"), told("fra/network"), failed("fra/network")):
        events(event)
    assert stuck.acquire(timeout=PATIENCE_S)
    events(told("fra/network"))
    assert not stuck.acquire(timeout=0.3)


@pytest.mark.parametrize(
    "heard",
    [
        (begun("fra/network"), failed("fra/network")),  # nobody said why: the engine has more to say
        (begun("fra/network"), begun("fra/storage"), told("fra/network"), failed("fra/network")),  # a disk takes long
    ],
)
def test_what_may_yet_go_on_is_left_alone(events, stuck, heard):
    for event in heard:
        events(event)
    assert not stuck.acquire(timeout=0.3)


def test_a_run_that_is_over_is_not_stuck(events, stuck):
    for event in (begun("fra/network"), told("fra/network"), failed("fra/network")):
        events(event)
    events.over()
    assert not stuck.acquire(timeout=0.3)
