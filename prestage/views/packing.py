"""Whole units of a plan, a line a region and workload: how many run on which instances, and who carries them."""

from collections import Counter
from collections.abc import Iterator

from contracts.workloads import Packing
from prestage.views.paper import dim, plural, table

ROWS = 12
"""Lines that are shown; the plan's file has all."""


def packing_lines(packing: Packing | None) -> Iterator[str]:
    """Where whole units run, and where critical ones go when their region is lost."""
    if packing is None:
        return
    serving: dict[tuple[str, str], Counter[str]] = {}
    carried: dict[tuple[str, str], Counter[str]] = {}
    units: Counter[tuple[str, str]] = Counter()
    for item in packing.instances:
        region, _, rest = item.key.partition("/")
        for name, count in item.units.items():
            if item.lost:
                of, _, workload = name.partition("/")
                carried.setdefault((of, workload), Counter())[region] += count * item.instances
                continue
            units[region, name] += count * item.instances
            serving.setdefault((region, name), Counter())[rest.rpartition("/")[2]] += item.instances
    sizes = {size.name: size.told() for size in packing.sizes}
    rows = [
        (
            region,
            f"{units[region, name]} x {name}" if units[region, name] else name,
            sizes.get(name, ""),
            _on(serving.get((region, name), Counter())),
            _told(carried.get((region, name), Counter())),
        )
        for region, name in sorted({*units, *carried})
    ]
    yield "  whole units, each on one instance:"
    yield table(rows[:ROWS], indent=4)
    if len(rows) > ROWS:
        yield dim(f"    and {plural(len(rows) - ROWS, 'more line')}")
    yield ""


def _on(shapes: Counter[str]) -> str:
    told = ", ".join(f"{instances} {shape}" for shape, instances in sorted(shapes.items()))
    return f"on {told}" if told else "where they are"  # of a region that is left as it is


def _told(partners: Counter[str]) -> str:
    told = ", ".join(f"{count} in {region}" for region, count in sorted(partners.items()))
    return f"if lost {told}" if told else ""
