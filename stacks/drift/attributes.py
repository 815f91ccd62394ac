"""What it means that one attribute is not as it was applied: on premises by our own fields, in clouds by rules."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from contracts.drift import Difference, DriftClass
from stacks.declaration import Declaration, Value
from stacks.drift.transitions import COPIES, is_transition
from stacks.engines.engine import Observed

CAPACITY_FIELDS = frozenset({"instances", "gib", "circuits", "gbps", "share", "iops", "throughput_mibps"})
WITHOUT_EFFECT = frozenset({"owner", "metric", "threshold"})  # on what demand can be met with
NOT_COMPARED = frozenset({"id", "state"})  # computed: not anybody's to declare
CLOUD_SIZES = frozenset(
    {"size", "min_size", "max_size", "desired_capacity", "target_size", "instance_count"}
    | {"iops", "throughput", "provisioned_iops", "provisioned_throughput", "provisioned_throughput_in_mibps"}
)
CLOUD_REMARKS = ("tag", "tags", "labels", "user_labels", "description")
OURS = ("prestage:", "prestage-")

Teller = Callable[[DriftClass, str], Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose attributes are compared: the key, and who writes a `Difference` about it."""

    key: str

    def teller(self, field: str, last: str | None, live: str | None, wanted: str | None) -> Teller:
        def tell(drift_class: DriftClass, why: str) -> Difference:
            return Difference(
                key=self.key,
                place=self.key.partition("/")[0],
                field=field,
                last_applied=last,
                live=live,
                wanted=wanted,
                drift_class=drift_class,
                why=why,
            )

        return tell


def changed_on_premises(
    subject: Subject, last: Mapping[str, Value], live: Mapping[str, Value], wanted: Mapping[str, Value]
) -> Iterator[Difference]:
    """Attributes of the estate that are not as they were applied."""
    for field in sorted((last.keys() | live.keys()) - NOT_COMPARED):
        before, now, aim = text_of(last.get(field)), text_of(live.get(field)), text_of(wanted.get(field))
        if before == now:
            continue
        tell = subject.teller(field, before, now, aim)
        if now == aim:
            yield tell(DriftClass.BENIGN, "was changed from outside to what is wanted")
        elif field in WITHOUT_EFFECT:
            yield tell(DriftClass.BENIGN, "was changed from outside, without effect on what demand can be met with")
        elif field in CAPACITY_FIELDS:
            yield _resized(tell, live.get(field), wanted.get(field, last.get(field)))
        else:
            yield tell(DriftClass.HARMFUL, "was changed from outside")


def changed_in_cloud(subject: Subject, seen: Observed, declared: Declaration | None) -> Iterator[Difference]:
    """Attributes that a provider reads otherwise than it wrote them. What is not there counts as what is empty."""
    last, live, wanted = (flattened(view) for view in (seen.last, seen.live, seen.wanted))
    for field in sorted(last.keys() | live.keys()):
        before, now, aim = text_of(last.get(field)), text_of(live.get(field)), text_of(wanted.get(field))
        if before == now or field.partition(".")[0] in COPIES:
            continue
        tell = subject.teller(field, before, now, aim)
        yield _in_cloud(tell, _Change(type=seen.type, field=field, before=before, now=now, aim=aim), seen, declared)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    type: str
    field: str
    before: str | None
    now: str | None
    aim: str | None

    @property
    def argument(self) -> str:
        return self.field.partition(".")[0]


def _in_cloud(tell: Teller, change: _Change, seen: Observed, declared: Declaration | None) -> Difference:
    if is_transition(change.type, change.field, change.before, change.now):
        return tell(DriftClass.EXPECTED, f"the provider went on by itself: {change.before} to {change.now}")
    if declared is not None and change.argument in declared.lifecycle.ignore:
        return tell(DriftClass.EXPECTED, "is left to others, such as an autoscaler, once it is created")
    if declared is not None and change.argument not in declared.arguments:
        if change.before is None:
            return tell(DriftClass.EXPECTED, "was filled in by the provider; nobody declares it")
        return tell(DriftClass.BENIGN, "was changed from outside; nobody declares it")
    if change.argument in CLOUD_REMARKS:
        return _remark(tell, change)
    if change.now == change.aim:
        return tell(DriftClass.BENIGN, "was changed from outside to what is wanted")
    if change.argument in CLOUD_SIZES:
        return _resized(tell, _number(change.now), _number(change.aim or change.before))
    if seen.action is None and seen.wanted is not None:
        return tell(DriftClass.BENIGN, "reads otherwise than it was written, and the engine sees nothing to mend")
    return tell(DriftClass.HARMFUL, "was changed from outside")


def _remark(tell: Teller, change: _Change) -> Difference:
    if any(change.field.partition(".")[2].startswith(prefix) for prefix in OURS) and change.now != change.aim:
        return tell(DriftClass.HARMFUL, "was changed from outside, and it is by this that we find the resource")
    return tell(DriftClass.BENIGN, "was changed from outside, without effect on what demand can be met with")


def _resized(tell: Teller, now: Value | None, aim: Value | None) -> Difference:
    if isinstance(now, int | float) and isinstance(aim, int | float) and now > aim:
        return tell(DriftClass.BENIGN, f"{now - aim:g} more than is wanted")
    less = f"{aim - now:g} less" if isinstance(now, int | float) and isinstance(aim, int | float) else "other"
    return tell(DriftClass.HARMFUL, f"{less} than is wanted")


def flattened(view: Mapping[str, Value] | None, above: str = "") -> dict[str, Value]:
    """Nested attributes by path: `tags.Name`, `mixed_instances_policy.0.instances_distribution.0.spot_pools`.

    Blocks of a key and a value, such as an autoscaling group's tags, go by their key.
    """
    found: dict[str, Value] = {}
    for name, value in (view or {}).items():
        path = f"{above}{name}"
        if isinstance(value, tuple) and any(isinstance(item, Mapping) for item in value):
            found |= flattened(_by_key(value), f"{path}.")
        elif isinstance(value, Mapping):
            found |= flattened(value, f"{path}.")
        else:
            found[path] = value
    return found


def _by_key(blocks: tuple[Value, ...]) -> Mapping[str, Value]:
    pairs = [item for item in blocks if isinstance(item, Mapping) and {"key", "value"} <= item.keys()]
    if len(pairs) == len(blocks):
        return {str(item["key"]): item["value"] for item in pairs}
    return {str(number): item for number, item in enumerate(blocks)}


def text_of(value: Value | None) -> str | None:
    """One spelling of a value: engines hand whole numbers back as floats, and what is empty in several ways."""
    if value is None or value == "" or value == ():
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {text_of(item)}" for name, item in sorted(value.items()))
    return ", ".join(text_of(item) or "" for item in value)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
