"""Registrations without what nobody asks of them are the same registrations."""

import asyncio
from contextlib import nullcontext

import pulumi
import pytest
from pulumi.runtime import mocks

from stacks.engines.pulumi_engine import lean, resources
from stacks.engines.pulumi_engine.resources import SECRETS, Surroundings, register
from stacks.targets.declare import declare, providers
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.laws.parity.registrations import Recorder

ENVIRONMENT = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
DECLARED = declare(every_kind_of(ENVIRONMENT), ENVIRONMENT)
ACCOUNTS = {region.name: region.cloud.account for region in ENVIRONMENT.regions if region.cloud}


class Heard(mocks.MockMonitor):
    """Keeps whole requests."""

    def __init__(self) -> None:
        super().__init__(Recorder())
        self.requests: dict[str, bytes] = {}
        self.traced = self.told = 0

    def RegisterResource(self, request):  # noqa: N802 - the monitor calls it so
        self.traced += request.HasField("stackTrace") and len(request.stackTrace.frames) > 0
        kept = type(request)()
        kept.CopyFrom(request)
        kept.ClearField("stackTrace")
        kept.ClearField("sourcePosition")
        for urns in (kept.dependencies, *(item.urns for item in kept.propertyDependencies.values())):
            urns.sort()  # the SDK keeps them in sets
        self.requests[request.name] = kept.SerializeToString(deterministic=True)
        return super().RegisterResource(request)


@pytest.fixture
def heard(monkeypatch):
    """What a program of one of each kind asks the monitor for."""

    def run() -> Heard:
        asyncio.set_event_loop(asyncio.new_event_loop())
        names = {name for item in DECLARED for name in item.secrets()}
        pulumi.runtime.set_all_config({f"{SECRETS}:{name}": f"<secret {name}>" for name in names})
        monitor = Heard()

        def tell(*words: object) -> None:
            monitor.told += 1

        monkeypatch.setattr(pulumi.log, "_log", tell)
        mocks.set_mocks(Recorder(), project="law", stack="law", monitor=monitor)
        surroundings = Surroundings(providers=providers(ENVIRONMENT), accounts=ACCOUNTS)
        pulumi.runtime.test(lambda: register(DECLARED, surroundings=surroundings) and None)()
        asyncio.get_event_loop().close()
        return monitor

    yield run
    asyncio.set_event_loop(None)


def test_they_ask_the_engine_for_the_same(heard, monkeypatch):
    quick = heard()
    monkeypatch.setattr(resources, "only_outputs", lambda wanted: nullcontext())
    usual = heard()
    for name in (*(item.key for item in DECLARED), *ACCOUNTS.values()):
        assert quick.requests[name] == usual.requests[name], name
    assert quick.told <= usual.told - 3 * len(DECLARED)  # but not what `--debug` would show of them


def test_nobody_walks_the_stack_for_them(heard):
    """Fails where the SDK's functions are others than those that are replaced: then time is lost, and nothing else."""
    assert heard().traced <= len(set(ACCOUNTS.values()))  # providers are registered as ever


def test_an_output_that_nothing_refers_to_is_not_there():
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(Recorder(), project="law", stack="law")

    def program():
        with lean.only_outputs(frozenset({"some"})):
            made = pulumi.CustomResource("estate:index:Network", "x", {"some": "a", "other": "b"})
        assert {"some", "urn", "id"} <= made.__dict__.keys() and "other" not in made.__dict__
        some: pulumi.Output[str] = made.__dict__["some"]
        return some.apply(values.append)

    values: list[str] = []
    pulumi.runtime.test(program)()
    assert values == ["a"]
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)
