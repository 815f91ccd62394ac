"""Nothing twice: what a job declares, exists in a cloud and is in no state of the engine is taken in, not made again.

Such things are left by a run that was killed before its engine wrote down what it had made, by a create whose answer
was lost, by a state that was damaged. Before every run they are looked for by tag, by name and below their parents;
after a run that stopped, more than once, because clouds show what was made only after a moment. The estate needs none
of this: a create there answers with what exists already.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from contracts.environment import Environment
from stacks.clouds.cloud import Attributes, Cloud
from stacks.clouds.open_cloud import open_clouds
from stacks.declaration import ESTATE_PROVIDER, Declaration
from stacks.engines.engine import Adoption, AppliedResource, Job
from stacks.errors import AdoptionRefused
from stacks.targets.aws.imports import NOT_IMPORTABLE

Finder = Callable[[Job, Mapping[str, AppliedResource], bool], tuple[Adoption, ...]]
"""The adoptions of a job, given what the engine's state holds, and whether an earlier run of it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often is looked for what is not there.

    Two looks in a row that show the same end it: clouds show a change within seconds, so a longer wait gains nothing.
    """

    looks: int = 1
    wait_s: float = 0.0
    sleep: Callable[[float], None] = time.sleep


AT_ONCE = Patience()
AFTER_A_STOP = Patience(looks=5, wait_s=3.0)


def finder_of(environment: Environment) -> Finder | None:
    """Who looks in an environment's clouds; None where it has none. Asks nothing before it is called."""
    if not any(region.cloud for region in environment.regions):
        return None

    def find(job: Job, applied: Mapping[str, AppliedResource], stopped: bool) -> tuple[Adoption, ...]:
        return existing(job, applied, open_clouds(environment), AFTER_A_STOP if stopped else AT_ONCE)

    return find


def existing(
    job: Job, applied: Mapping[str, AppliedResource], clouds: Mapping[str, Cloud], patience: Patience = AT_ONCE
) -> tuple[Adoption, ...]:
    """All adoptions of a job: those that it names, with their ids, and what exists without any root knowing it.

    Args:
        job: what shall hold.
        applied: what the engine's state holds, by key.
        clouds: where to look, by account.
        patience: how often to look again for what is not there.

    Raises:
        TwoOfOne: two resources bear the key of one declaration.
        CloudError: a cloud does not answer; nothing was changed.
        AdoptionRefused: what exists is of a type that no engine imports, and would be made twice.
    """
    leaving = _leaving(job, applied)
    missing = tuple(item for item in _declared(job) if item.key in leaving or not _held(item, applied))
    found = _found(missing, clouds, {key: _attributes(item) for key, item in applied.items()}, patience)
    _refuse_unimportable(missing, found)
    here = {item.of for item in _declared(job)}
    premises = (item for item in job.adopt if item.key not in here)
    known = {**{key: applied[key].id for key in leaving}, **found}
    return (*premises, *(Adoption(key=key, from_root=leaving.get(key, ""), id=known[key]) for key in sorted(known)))


def _refuse_unimportable(missing: tuple[Declaration, ...], found: Mapping[str, str]) -> None:
    for item in missing:
        if item.key in found and item.type in NOT_IMPORTABLE:
            raise AdoptionRefused(
                f"{item.key} exists as {found[item.key]}, and the provider cannot import a {item.type}",
                where=item.provider,
                expected="that the engine's state holds it",
                next_step=f"restore the engine's state from a backup, or delete {found[item.key]}: it is made anew",
            )


def _declared(job: Job) -> Iterator[Declaration]:
    """What clouds are asked for."""
    return (item for items in job.roots.values() for item in items if item.provider != ESTATE_PROVIDER)


def _held(item: Declaration, applied: Mapping[str, AppliedResource]) -> bool:
    return any(key in applied for key in (item.key, *item.aliases))


def _leaving(job: Job, applied: Mapping[str, AppliedResource]) -> Mapping[str, str]:
    """What moves from root to root, in clouds: all that belongs to a resource that the job adopts, and where it was."""
    moving = {item.key for item in job.adopt}
    return {
        item.key: applied[item.key].root
        for item in _declared(job)
        if item.of in moving and item.key in applied and applied[item.key].root != item.root
    }


def _found(
    missing: tuple[Declaration, ...],
    clouds: Mapping[str, Cloud],
    known: Mapping[str, Attributes],
    patience: Patience,
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for look in range(patience.looks if missing and clouds else 0):
        if look:
            patience.sleep(patience.wait_s)
        before = dict(found)
        found |= _look(missing, clouds, known)
        if len(found) == len(missing) or (look and found == before):
            break
    return found


def _look(
    missing: tuple[Declaration, ...], clouds: Mapping[str, Cloud], known: Mapping[str, Attributes]
) -> Mapping[str, str]:
    """One look at all clouds; another at what leans on something that was found in another region."""
    found: dict[str, str] = {}
    asked = missing
    while asked:
        so_far = {**known, **{key: {**known.get(key, {}), "id": id} for key, id in found.items()}}
        more = {key: id for cloud in clouds.values() for key, id in cloud.find(asked, so_far).items()}
        found |= more
        regions = {item.key: item.provider for item in missing if item.key in more}
        left = (item for item in missing if item.key not in found)
        asked = tuple(item for item in left if _leans_abroad(item, regions))
    return found


def _leans_abroad(item: Declaration, regions: Mapping[str, str]) -> bool:
    return any(regions.get(ref.key, item.provider) != item.provider for ref in item.refs())


def _attributes(item: AppliedResource) -> Attributes:
    return {**item.arguments, **({"id": item.id} if item.id else {})}
