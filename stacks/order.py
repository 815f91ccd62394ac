"""`ApplyOrder`: what an engine is asked for, on behalf of which plan, and what has to be taken in or to go besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from contracts.engines import Rollout
from contracts.plan import Plan
from stacks.declaration import Declaration
from stacks.engines.engine import Adoption, Engine, Job
from stacks.existing import Finder
from stacks.strays import STRAYS_ROOT, Strays, find_copies, find_strays


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOrder:
    """What an engine is asked for, and on behalf of which plan.

    Attributes:
        resume: the command that continues this run after it stopped.
        doomed: what the plan destroys, as it was.
        remade: what the plan makes in the place of something.
        live: keys of what existed when the order was made; nothing else of `doomed` can be a stray.
        finder: looks for what exists and no state knows; None where nothing can: on premises.
        rollout: the order of regions, and what is asked between them.
        folder: where that is asked: the project's.
    """

    plan: Plan
    job: Job
    resume: str
    doomed: tuple[Declaration, ...]
    live: frozenset[str]
    remade: tuple[Declaration, ...] = ()
    finder: Finder | None = None
    rollout: Rollout = field(default_factory=Rollout)
    folder: Path = Path()

    def job_now(self, engine: Engine, *, stopped: bool, job: Job | None = None) -> Job:
        """The job, with all that exists and the engine does not know to be taken in.

        Args:
            engine: whose state is read.
            stopped: an earlier run stopped: what it made may show late.
            job: a part of it, or what goes before it; all of it by default.
        """
        job = job or self.job
        if self.finder is None:
            return job
        return replace(job, adopt=self.finder(job, engine.applied(), stopped))

    def strays(self, engine: Engine) -> Strays | None:
        """What the plan destroys and the engine does not know; None where that is nothing."""
        return find_strays(self.doomed, self.live, engine.applied()) if self.doomed else None

    def copies(self, engine: Engine) -> Mapping[str, Adoption]:
        """Replacements that a run before this one made and that the state that is left does not know."""
        finder = self.finder
        if finder is None or not self.remade:
            return {}
        return find_copies(
            self.remade,
            engine.applied(),
            lambda items, held: finder(replace(self.job, roots={STRAYS_ROOT: tuple(items)}, adopt=()), held, True),
        )
