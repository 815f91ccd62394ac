"""Two plans beside each other as people read it: what differs, dearest first."""

from collections.abc import Iterable, Mapping, Sequence

from contracts.comparison import Comparison, RequirementDifference, ResourceDifference
from contracts.wording import describe
from prestage.views.paper import dim, good, number, plural, short, signed_usd, table, title, usd

ROWS = 15
"""Lines shown of each part; the rest are counted, `--json` has all."""


def comparison_text(found: Comparison) -> str:
    """Cost, resources, partners, requirements and inputs; one sentence where nothing differs."""
    head = title(f"Plans of {found.environment}", f"{short(found.before)} -> {short(found.after)}")
    if not found.differs:
        return f"{head}\n  {good('nothing differs')}"
    told = (_cost(found), _resources(found), _partners(found), _elsewhere(found))
    parts = (*told, _requirements(found), _inputs(found))
    return "\n".join([head, *(line for part in parts for line in part)])


def _cost(found: Comparison) -> Iterable[str]:
    was, now = found.before_usd_per_hour, found.after_usd_per_hour
    yield f"  cost {usd(was)} -> {usd(now)} USD/h ({signed_usd(now - was)}{_share(was, now)})"
    if (old := found.egress_before_usd_per_hour) or found.egress_after_usd_per_hour:
        new = found.egress_after_usd_per_hour
        yield f"  of it egress {usd(old)} -> {usd(new)} USD/h ({signed_usd(new - old)})"
    rows = [
        (
            item.place,
            usd(item.before_usd_per_hour),
            usd(item.after_usd_per_hour),
            signed_usd(item.after_usd_per_hour - item.before_usd_per_hour),
        )
        for item in found.places
    ]
    yield from _part("places", rows, right=(1, 2, 3))


def _share(was: float, now: float) -> str:
    return f", {(now - was) / was:+.1%}" if was > 0 and abs(now - was) > 0.005 else ""


def _resources(found: Comparison) -> Iterable[str]:
    yield from _part("resources", [_resource(item) for item in found.resources], right=(3,))


def _resource(item: ResourceDifference) -> tuple[str, str, str, str]:
    sign = "~" if item.before and item.after else "+" if item.after else "-"
    was, now = (describe(each.spec) if each else "" for each in (item.before, item.after))
    told = f"{was} -> {now}" if was and now and was != now else now or was
    return sign, item.key, told, signed_usd(item.usd_per_hour)


def _partners(found: Comparison) -> Iterable[str]:
    rows = [(item.region, _shares(item.before), "->", _shares(item.after)) for item in found.partners]
    yield from _part("failover partners", rows)


def _elsewhere(found: Comparison) -> Iterable[str]:
    """Who serves whose movable demand."""
    rows = [
        (item.region, _shares(item.before, "at home"), "->", _shares(item.after, "at home")) for item in found.elsewhere
    ]
    yield from _part("served elsewhere", rows)


def _shares(shares: Mapping[str, float], none: str = "nobody") -> str:
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{partner} {share:.0%}" for partner, share in ordered) or none


def _requirements(found: Comparison) -> Iterable[str]:
    rows = [_requirement(item) for item in found.requirements]
    yield from _part("requirements", rows, right=(1, 3))


def _requirement(item: RequirementDifference) -> tuple[str, ...]:
    was, now = ("-" if each is None else number(each.quantity) for each in (item.before, item.after))
    link = item.after.forecast if item.after else None
    told = f"{link.series} at {link.level:g}, {link.at:%m-%d %H:%M}Z" if link else ""
    return item.id, was, "->", now, dim(told)


def _inputs(found: Comparison) -> Iterable[str]:
    rows = [(item.what, _value(item.before), "->", _value(item.after)) for item in found.inputs]
    yield from _part("computed from", rows)


def _value(value: str | float | None) -> str:
    if value is None:
        return "none"
    return short(value) if isinstance(value, str) else f"{value:,g}"


def _part(name: str, rows: Sequence[Sequence[str]], *, right: tuple[int, ...] = ()) -> Iterable[str]:
    """A section, or nothing where nothing differs."""
    if rows:
        yield f"  {title(name)}"
        yield table(rows[:ROWS], right=right, indent=4)
    if len(rows) > ROWS:
        yield dim(f"    and {plural(len(rows) - ROWS, 'more line')}")
