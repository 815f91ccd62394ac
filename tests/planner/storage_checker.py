"""Storage of a plan from outside: what is asked of its parts, what classes can be, where it may lie."""

from collections.abc import Iterator

from contracts.capacity import CapacityKind, StorageClass
from contracts.plan import Plan
from contracts.resources import FailoverSpec, Purpose, StorageSpec
from tests.planner.plan_breach import SLIGHT, Breach, Rule
from tests.planner.plan_facts import (
    Asked,
    given_by_itself,
    resources_of,
    serving_needs,
)


def storage_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """Each part of a region's storage has the GiB, IOPS, throughput and durability that are asked of it."""
    known = {item.name: item for item in asked.catalog.storage_classes}
    serving = [item for item in resources_of(plan) if item.purpose is Purpose.SERVING and item.key.count("/") >= 3]
    wanted_for = {item.resource.key: item.reason.storage.part for item in plan.resources if item.reason.storage}
    for place, need in serving_needs(plan, CapacityKind.STORAGE_GIB).items():
        settings = asked.environment.region(place)
        parts = (settings.storage if settings else ()) or asked.environment.storage
        for part in parts:
            ours = [
                item.spec
                for item in serving
                if item.place == place
                and isinstance(item.spec, StorageSpec)
                and wanted_for.get(item.key, "") == part.name
            ]
            size = part.share * need.quantity
            gives = [given_by_itself(asked, spec) for spec in ours]
            have = (
                ("GiB", sum(spec.gib for spec in ours), size),
                ("IOPS", sum(spec.iops or a for spec, (a, _) in zip(ours, gives, strict=True)), part.iops),
                (
                    "IOPS",
                    sum(spec.iops or a for spec, (a, _) in zip(ours, gives, strict=True)),
                    part.iops_per_gib * size,
                ),
                (
                    "MiB/s",
                    sum(spec.throughput_mibps or b for spec, (_, b) in zip(ours, gives, strict=True)),
                    max(part.throughput_mibps, part.mibps_per_gib * size),
                ),
                (
                    "durability",
                    min((known[spec.storage_class].durability for spec in ours), default=0.0),
                    part.least_durability,
                ),
            )
            for what, has, wanted in have:
                if has < wanted - SLIGHT * max(1.0, wanted):
                    said = f"{has:g} {what} of part {part.name!r}, {wanted:g} asked"
                    yield Breach(rule=Rule.STORAGE, where=place, what=said)
            for spec in ours:
                if broken := _beyond_class(spec, known[spec.storage_class]):
                    yield Breach(rule=Rule.STORAGE, where=place, what=broken)


def _beyond_class(spec: StorageSpec, kind: StorageClass) -> str:
    """What of a volume its class cannot be."""
    count = spec.volumes or (-(-spec.gib // kind.largest_gib) if kind.largest_gib else 1)
    limits = (
        ("GiB", spec.gib, kind.largest_gib * count),
        ("IOPS", spec.iops, kind.most_iops * count),
        ("MiB/s", spec.throughput_mibps, kind.most_mibps * count),
        ("IOPS for its GiB", spec.iops, kind.most_iops_per_gib * spec.gib),
    )
    found = [f"{has:g} {what} of {kind.name}, {most:g} at most" for what, has, most in limits if most and has > most]
    if spec.throughput_mibps and spec.iops and spec.iops < kind.iops_per_mibps * spec.throughput_mibps - SLIGHT:
        found.append(f"{spec.iops} IOPS for {spec.throughput_mibps} MiB/s of {kind.name}")
    return "; ".join(found)


def residency_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """What a region serves is carried, and copied, only where it may be served."""
    countries = {region.name: region.country for region in asked.environment.regions}
    said = {region.name: region.residency for region in asked.environment.regions if region.residency}
    for resource in resources_of(plan):
        spec, words = resource.spec, said.get(resource.place, ())
        elsewhere = spec.partner if isinstance(spec, FailoverSpec) else None
        if isinstance(spec, StorageSpec):
            elsewhere = spec.replica_region
        if elsewhere is None or not words:
            continue
        land = countries.get(elsewhere, "")
        if elsewhere not in words and land not in words and land.split("-")[0] not in words:
            said_there = f"{elsewhere} is outside of {', '.join(words)}"
            yield Breach(rule=Rule.RESIDENCY, where=resource.key, what=said_there)
