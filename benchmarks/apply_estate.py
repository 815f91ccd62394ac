"""600 estate resources in six regions: apply and a clean plan, by Prestage and by the engine alone.

    python -m benchmarks.apply_estate --engine terraform
    python -m benchmarks.apply_estate --engine pulumi --rounds 3 --json

Prestage is `apply_plan` and `preview_plan` over a fresh project: engine found, provider started, declarations rendered,
planned and applied, the journal around it. The engine alone is `benchmarks.engine_alone`, on the same declarations.
Medians of the rounds; run it on a machine that has nothing else to do.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from benchmarks.engine_alone import Seconds, pulumi_alone, terraform_alone
from contracts.capacity import Catalog, CircuitTier, Shape, StorageClass
from contracts.environment import EngineName, Environment, Layout, RegionSettings
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory
from contracts.plan import Cost, Inputs, Plan, PlannedResource, Reason, ReasonCode
from contracts.ports import Silent
from contracts.resources import CircuitSpec, ComputeSpec, LinkSpec, NetworkSpec, Purpose, Resource, Spec, root_of
from stacks.apply import apply_plan, incomplete, make_order, preview_plan
from stacks.engines.engine import Engine
from stacks.estate.inventory import Inventory
from stacks.journal import Journal

REGIONS = ("ams", "chi", "fra", "lon", "mad", "nyc")
LINKS = tuple(f"{a}--{b}" for a, b in combinations(REGIONS, 2))
TARGETS = {EngineName.TERRAFORM: Seconds(apply=5, clean=3), EngineName.PULUMI: Seconds(apply=15, clean=8)}
MAX_RATIO = 1.3
CATALOG = Catalog(
    shapes=(Shape(name="s4", vcpu=4, memory_gib=16),),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1),),
)
REASON = Reason(code=ReasonCode.DEMAND)


def environment(engine: EngineName) -> Environment:
    regions = tuple(RegionSettings(name=name, asn=64512 + number) for number, name in enumerate(REGIONS))
    return Environment(name="dev", engine=engine, layout=Layout.REGION, regions=regions)


def facts() -> InventoryFacts:
    """Room for ten times 600 resources."""
    return InventoryFacts(
        regions=tuple(
            RegionInventory(
                name=name,
                continent="europe",
                fault_domain=name,
                hosts=(HostGroup(count=99, vcpu=256, memory_gib=999),),
                prices={"s4": 0.2},
            )
            for name in REGIONS
        ),
        links=tuple(LinkInventory(a=link[:3], b=link[5:], latency_ms=9, gbps=999, prices={"1g": 1}) for link in LINKS),
    )


def wanted(count: int) -> list[Resource]:
    """A network a region, a circuit and a link a pair, and machines up to `count`."""
    found = [_resource(f"{region}/network", NetworkSpec(asn=64512)) for region in REGIONS]
    for link in LINKS:
        found.append(_resource(f"{link}/circuit/staged/1g/0001", CircuitSpec(tier="1g", gbps=1, count=1)))
        found.append(_resource(f"{link}/link", LinkSpec()))
    for number in range(count - len(found)):
        region, index = REGIONS[number % len(REGIONS)], number // len(REGIONS)
        found.append(_resource(f"{region}/compute/staged/s4/{index:04d}", ComputeSpec(shape="s4", count=1)))
    return found


def plan(resources: list[Resource], engine: EngineName) -> Plan:
    now = datetime.now(UTC)
    nothing = dict.fromkeys(Cost.model_fields, 0.0)
    return Plan(
        environment="dev",
        engine=engine,
        made_at=now,
        expires_at=now + timedelta(hours=1),
        inputs=Inputs(**{name: "" for name in Inputs.model_fields if name != "previous_plan"}),
        requirements=(),
        resources=tuple(PlannedResource(resource=item, usd_per_hour=0, reason=REASON) for item in resources),
        changes=(),
        cost=Cost.model_validate(nothing),
    )


def by_prestage(folder: Path, engine: EngineName, count: int) -> Seconds:
    """Applies, then plans again, as the commands do once the gate has let the plan through."""
    settings, resources = environment(engine), wanted(count)
    inventory = _inventory(folder)
    started = time.monotonic()
    order = make_order(plan(resources, engine), settings, resume="")
    opened = _engine(folder, settings, inventory)
    report = apply_plan(order, opened, Journal(folder / "journal.db"), lambda: datetime.now(UTC), Silent())
    applied = time.monotonic()
    if (error := incomplete(report, resume="")) or sum(root.created for root in report.roots) != count:
        raise SystemExit(str(error or report))
    if not preview_plan(order, opened, Silent()).clean:
        raise SystemExit("the plan after the apply is not clean")
    return Seconds(apply=applied - started, clean=time.monotonic() - applied)


def alone(folder: Path, engine: EngineName, count: int, *, served: bool = False) -> Seconds:
    """The same declarations by the engine's own commands."""
    roots = make_order(plan(wanted(count), engine), environment(engine), resume="").job.roots
    inventory = _inventory(folder)
    if engine is EngineName.PULUMI:
        return pulumi_alone(folder / "alone", roots, inventory)
    return terraform_alone(folder / "alone", roots, inventory, served=served)


def _inventory(folder: Path) -> Path:
    path = folder / "estate.db"
    inventory = Inventory(path)
    inventory.load_facts(facts(), CATALOG)
    inventory.close()
    return path


def _engine(folder: Path, settings: Environment, inventory: Path) -> Engine:
    if settings.engine is EngineName.PULUMI:
        from stacks.engines import pulumi_engine

        return pulumi_engine.open_engine(settings, folder=folder, inventory=inventory, state=folder / ".prestage")
    from stacks.engines.terraform_engine.engine import TerraformEngine

    return TerraformEngine(folder / "roots", inventory)


def _resource(key: str, spec: Spec) -> Resource:
    place = key.partition("/")[0]
    return Resource(key=key, place=place, root=root_of(place), purpose=Purpose.STAGED, spec=spec)


def measure(engine: EngineName, count: int, rounds: int) -> dict[str, Seconds]:
    """Medians by who did it. They take turns, so that whatever else the machine does meets all of them."""
    who: dict[str, Callable[[Path], Seconds]] = {
        "prestage": lambda folder: by_prestage(folder, engine, count),
        "engine alone, stock": lambda folder: alone(folder, engine, count),
    }
    if engine is EngineName.TERRAFORM:
        who["engine alone, served"] = lambda folder: alone(folder, engine, count, served=True)
    found: dict[str, list[Seconds]] = {name: [] for name in who}
    for _ in range(rounds):
        for name, act in who.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(act(Path(folder)))
    return {name: _median(items) for name, items in found.items()}


def _median(items: Sequence[Seconds]) -> Seconds:
    return Seconds(
        apply=round(statistics.median(item.apply for item in items), 2),
        clean=round(statistics.median(item.clean for item in items), 2),
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=EngineName, choices=list(EngineName), default=EngineName.TERRAFORM)
    parser.add_argument("--resources", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    found = measure(options.engine, options.resources, options.rounds)
    ours, target = found["prestage"], TARGETS[options.engine]
    ratios = {who: round(ours.apply / item.apply, 2) for who, item in found.items()}
    if options.json:
        rows = {
            who: {"apply_s": item.apply, "clean_s": item.clean, "ratio": ratios[who]} for who, item in found.items()
        }
        print(json.dumps({"engine": options.engine, "resources": options.resources, "load": load, "seconds": rows}))
    else:
        print(f"{options.resources} resources, {len(REGIONS)} regions, {options.engine}, load before {load:.1f}")
        print(f"{'':22}{'apply s':>9}{'clean s':>9}{'prestage / it':>15}")
        for who, item in found.items():
            print(f"{who:22}{item.apply:9.2f}{item.clean:9.2f}{ratios[who]:15.2f}")
        print(f"{'target':22}{target.apply:9.2f}{target.clean:9.2f}{MAX_RATIO:15.2f}")
    met = ours.apply <= target.apply and ours.clean <= target.clean and ratios["engine alone, stock"] <= MAX_RATIO
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
