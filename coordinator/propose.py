"""`propose`: what exists in the clouds and is nobody's, each with a place in the environment or the reason for none.

The clouds say what there is, the engine what an import of each thing would change: whatever would change is proposed
to stay as it was found. Changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from contracts.adoption import AdoptionProposal, LeftAlone, LeftCode, Part, ProposedAdoption
from contracts.environment import Environment
from contracts.ports import Progress
from contracts.resources import Resource
from coordinator.adoption_job import adoption_job, observe
from coordinator.project import Project
from stacks.adopting import Fit, changed_otherwise, fits, in_place_of, standalone, to_keep
from stacks.clouds.candidates import Candidate, candidates, found_of, left_of, why_no_place
from stacks.clouds.cloud import Cloud, CloudResource
from stacks.clouds.open_cloud import open_clouds
from stacks.declaration import Declaration, Value
from stacks.engines.engine import Adoption
from stacks.errors import EngineFailed
from stacks.targets.adopted import laid_over
from stacks.targets.declare import declare
from stacks.targets.estate import network_key

ROUNDS = 3  # of asking the engine: what stays as it was found may show what else has to


@dataclass(frozen=True, slots=True, kw_only=True)
class _Region:
    """What was found in one region, and whose account it is in."""

    account: str
    name: str
    found: tuple[CloudResource, ...]


def propose(project: Project, progress: Progress, clouds: Mapping[str, Cloud] | None = None) -> AdoptionProposal:
    """Everything in the environment's accounts that bears no environment's tag.

    Raises:
        CloudError: a cloud does not answer: which, and what to do.
        EngineFailed: the engine cannot say what an import would change.
        ApplyBusy: an apply has been running for longer than we wait.
    """
    proposed: list[ProposedAdoption] = []
    left: list[LeftAlone] = []
    with project.patient_lock("prestage adopt"):
        for region in _regions(clouds if clouds is not None else open_clouds(project.environment)):
            taken, others = _of_region(project, region, progress)
            proposed += taken
            left += others
    return AdoptionProposal(
        environment=project.environment.name,
        made_at=project.clock(),
        proposed=tuple(sorted(proposed, key=lambda item: item.resource.key)),
        left=tuple(sorted(left, key=lambda item: (item.found.region, item.found.type, item.found.id))),
    )


def _regions(clouds: Mapping[str, Cloud]) -> Iterator[_Region]:
    for account, cloud in sorted(clouds.items()):
        items = cloud.discover()
        for name in sorted({item.place for item in items}):
            yield _Region(account=account, name=name, found=tuple(item for item in items if item.place == name))


def _of_region(
    project: Project, region: _Region, progress: Progress
) -> tuple[tuple[ProposedAdoption, ...], tuple[LeftAlone, ...]]:
    held = project.engine.applied()
    offered, crowded = candidates(region.found, project.environment, region.name)
    taken = [_taken(item, region) for item in offered if item.resource.key in held]
    free = {item.resource.key: item for item in offered if item.resource.key not in held}
    paired = _pair(project.environment, free, region)
    kept, changed = _ask(project, paired, progress)
    fit = tuple(item for item in paired if item.declaration.key not in changed)
    proposed = tuple(
        item for candidate in free.values() if (item := _proposed(candidate.resource, fit, kept, region.account))
    )
    differing = [_differs(item, changed[item.declaration.key], region) for item in paired if item not in fit]
    told = [*crowded, *taken, *differing]
    spoken_of = {part.found.id for item in proposed for part in item.parts} | {item.found.id for item in told}
    silent = (item for item in region.found if item.id not in spoken_of)
    return proposed, (*told, *(_no_place(item, project.environment, region) for item in silent))


def _pair(environment: Environment, free: Mapping[str, Candidate], region: _Region) -> tuple[Fit, ...]:
    declared = declare([item.resource for item in free.values()], environment)
    return fits(declared, {key: item.found for key, item in free.items()}, region.found)


def _ask(
    project: Project, paired: Sequence[Fit], progress: Progress
) -> tuple[Mapping[str, Mapping[str, JsonValue]], Mapping[str, str]]:
    """What has to stay as it was found for nothing to change, by key; and what would change all the same, in words.

    All are asked about together; where the engine cannot answer for all, for each of them, so that one that it does
    not take keeps none of the others back.
    """
    try:
        return _asked(project, paired, progress)
    except EngineFailed as error:
        said = error.what.splitlines()[0]
    kept: dict[str, Mapping[str, JsonValue]] = {}
    changed: dict[str, str] = {}
    network = network_key(paired[0].declaration.provider)
    for resource in dict.fromkeys(item.declaration.of for item in paired):
        own = {item.declaration.key for item in paired if item.declaration.of == resource}
        some = [item for item in paired if item.declaration.of in (resource, network)]
        stays, told = _ask(project, some, progress) if len(some) < len(paired) else ({}, dict.fromkeys(own, said))
        kept |= {key: found for key, found in stays.items() if key in own}
        changed |= {key: found for key, found in told.items() if key in own}
    return kept, changed


def _asked(
    project: Project, paired: Sequence[Fit], progress: Progress
) -> tuple[Mapping[str, Mapping[str, JsonValue]], Mapping[str, str]]:
    declared = {item.declaration.key: item.declaration for item in paired}
    kept = {item.declaration.key: _json_of(_at_first(project, item, declared.values())) for item in paired}
    changed: Mapping[str, str] = {}
    adoptions = tuple(Adoption(key=item.declaration.key, id=item.found.id) for item in paired)
    for _ in range(ROUNDS if paired else 0):
        laid = {key: laid_over(item, kept[key]) for key, item in declared.items()}
        alone = standalone(laid.values(), project.engine.applied())
        left_out = {item.key: laid[item.key].arguments.keys() - item.arguments.keys() for item in alone}
        job = adoption_job(project, alone, adoptions)
        observed = [item for item in observe(project, job, progress) if item.key in declared]
        changed = {item.key: told for item in observed if (told := "; ".join(changed_otherwise([item], declared)))}
        stays = {item.key: to_keep(item, declared[item.key], sorted(left_out[item.key])) for item in observed}
        more = {key: _json_of(found) for key, found in stays.items() if found.keys() - kept[key].keys()}
        if not more:
            break
        for key, found in more.items():
            kept[key] |= found
    return kept, changed


def _proposed(
    resource: Resource, fit: Sequence[Fit], kept: Mapping[str, Mapping[str, JsonValue]], account: str
) -> ProposedAdoption | None:
    """A resource with all of its parts that are there; None where what stands for it does not fit."""
    parts = tuple(
        Part(
            key=item.declaration.key,
            found=found_of(item.found, account),
            as_found=dict(kept.get(item.declaration.key, {})),
        )
        for item in fit
        if item.declaration.of == resource.key
    )
    stands = any(part.key == resource.key for part in parts)
    return ProposedAdoption(resource=resource, parts=parts) if stands else None


def _taken(item: Candidate, region: _Region) -> LeftAlone:
    return left_of(item.found, region.account, LeftCode.TAKEN, f"{item.resource.key} is there already")


def _differs(item: Fit, told: str, region: _Region) -> LeftAlone:
    key = item.declaration.key
    return left_of(item.found, region.account, LeftCode.DIFFERS, f"as {key}: {told.removeprefix(f'{key}: ')}")


def _no_place(item: CloudResource, environment: Environment, region: _Region) -> LeftAlone:
    return left_of(item, region.account, LeftCode.NO_PLACE, why_no_place(item, environment))


def _at_first(project: Project, item: Fit, beside: Iterable[Declaration]) -> Mapping[str, Value | None]:
    """What is certain before the engine is asked: what stands in the place of arguments that lean on nothing."""
    (alone,) = (other for other in standalone(beside, project.engine.applied()) if other.key == item.declaration.key)
    return in_place_of(item.declaration.arguments.keys() - alone.arguments.keys(), item.found)


def _json_of(found: Mapping[str, Value | None]) -> dict[str, JsonValue]:
    return {name: _json(value) for name, value in found.items()}


def _json(value: Value | None) -> JsonValue:
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, tuple | list) else value
