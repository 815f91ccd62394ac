"""`FakeEngine`: the engine port in memory, for tests of everything that calls one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration, Ref, SecretRef
from stacks.engines.engine import Action, AppliedResource, Job, Preview, ProgramInfo, RootPreview


@dataclass(slots=True)
class FakeEngine:
    """Holds what was applied; fails or raises where it is told to.

    Attributes:
        failing: root -> message of its failure.
        raising: raised by the next `apply`, once, before anything is done.
        jobs: every job that was applied.
    """

    failing: dict[str, str] = field(default_factory=dict)
    raising: list[BaseException] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    _roots: dict[str, dict[str, Declaration]] = field(default_factory=dict)

    def program(self) -> ProgramInfo:
        return ProgramInfo(name="fake", version="1")

    def preview(self, job: Job, progress: Progress) -> Preview:
        roots = (RootPreview(root=root, actions=self._actions(job, root), text="") for root in sorted(job.roots))
        return Preview(roots=tuple(roots))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        if self.raising:
            raise self.raising.pop(0)
        self.jobs.append(job)
        outcomes = tuple(self._apply_root(job, root) for root in job.roots)
        for root in job.drop:
            self._roots.pop(root, None)
        return outcomes

    def applied(self) -> Mapping[str, AppliedResource]:
        return {
            key: AppliedResource(type=item.type, key=key, root=root, arguments=item.resolved(_key))
            for root, items in self._roots.items()
            for key, item in items.items()
        }

    def _apply_root(self, job: Job, root: str) -> RootRun:
        if root in self.failing:
            return RootRun(root=root, status=RunStatus.FAILED, message=self.failing[root])
        actions = list(self._actions(job, root).values())
        self._roots[root] = {item.key: item for item in job.roots[root]}
        return RootRun(
            root=root,
            status=RunStatus.DONE if actions else RunStatus.CLEAN,
            created=actions.count(Action.CREATE),
            updated=actions.count(Action.UPDATE),
            deleted=actions.count(Action.DELETE),
        )

    def _actions(self, job: Job, root: str) -> dict[str, Action]:
        before, after = self._roots.get(root, {}), {item.key: item for item in job.roots[root]}
        adopted = {item.key for item in job.adopt}
        actions = {key: Action.ADOPT if key in adopted else Action.CREATE for key in after.keys() - before.keys()}
        actions |= {key: Action.UPDATE for key in after.keys() & before.keys() if after[key] != before[key]}
        return dict(sorted((actions | dict.fromkeys(before.keys() - after.keys(), Action.DELETE)).items()))


def _key(ref: Ref | SecretRef) -> str:
    return ref.key if isinstance(ref, Ref) else ref.name
