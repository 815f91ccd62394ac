"""Roots as they are on the disk before a command: written from what is declared, and made ready.

What another root has not said yet leaves holes: a preview shows what leans on them as known after the apply, an apply
leaves it out (by naming everything else as a target) until that root has said it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from stacks.declaration import Declaration, Ref
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.labels import ESTATE_TYPES, address_of, output_of
from stacks.engines.terraform_engine.prepare import Preparation
from stacks.engines.terraform_engine.render import RootContent, content_of, render_content, render_imports
from stacks.engines.terraform_engine.roots import Roots
from stacks.engines.terraform_engine.state import RootState
from stacks.engines.terraform_engine.states import States
from stacks.engines.turns import Turn, foreign, leaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A root whose files are there.

    Attributes:
        variables: that its commands need.
        keys: key by address, of all that it declares or holds.
        targets: the only addresses to be touched; all where there are none.
        idle: whether there is nothing in it that could be touched.
        mended: what was done to a damaged state.
    """

    content: RootContent
    variables: Mapping[str, str]
    keys: Mapping[str, str]
    targets: tuple[str, ...] = ()
    idle: bool = False
    mended: str = ""

    @property
    def root(self) -> str:
        return self.content.root


class Writing:
    """Writes the roots of one job."""

    def __init__(self, roots: Roots, place: StatePlace, states: States, preparation: Preparation, job: Job) -> None:
        self._roots, self._place, self._states, self._preparation = roots, place, states, preparation
        self._job = job
        self._adopt = {adoption.key: adoption for adoption in job.adopt}
        self._leant_on: dict[str, Mapping[Ref, str]] = {}

    def write(self, turn: Turn, *, whole: bool) -> Written:
        """Writes a root and makes it ready; `whole` where it is only shown, holes included.

        Raises:
            StacksError: it cannot be written, or not be made ready.
        """
        mended = "" if self._place.remote else self._roots.mend(turn.name)
        state = self._states.of(turn.name)
        content = self._content(turn, state)
        adopted = {key: self._known(adoption) for key, adoption in self._adopt.items() if key not in state.keys}
        imports = render_imports(self._job.environment, adopted, turn.declarations)
        self._roots.write(turn.name, render_content(content), imports)
        variables = self._preparation.prepare(content)
        named = {(item.type, item.key) for item in state.resources} | {
            (item.type, item.key) for item in turn.declarations
        }
        targets = tuple(self._targets(turn, content, state, whole=whole))
        return Written(
            content=content,
            variables=variables,
            keys={address_of(type, key): key for type, key in named},
            targets=targets,
            idle=not whole and bool(content.unknown) and not targets,
            mended=mended,
        )

    def settle(self, written: Written) -> None:
        """Leaves a root as it reads once everything is taken in."""
        self._roots.write(written.root, render_content(written.content))

    def prepare_anew(self, written: Written) -> Written:
        """Makes a root ready that only seemed to be."""
        return replace(written, variables=self._preparation.prepare(written.content, anew=True))

    def outdated(self, turns: Iterable[Turn]) -> tuple[Turn, ...]:
        """The turns whose root leant on something that another root says otherwise now."""
        written = (turn for turn in turns if turn.name in self._leant_on)
        return tuple(turn for turn in written if self._leant_on[turn.name] != self._exports(turn))

    def missing(self, turn: Turn) -> frozenset[Ref]:
        """What a root leans on and no other root says."""
        return foreign(turn.declarations, {turn.name}) - self._exports(turn).keys()

    def _content(self, turn: Turn, state: RootState) -> RootContent:
        content = content_of(turn.name, turn.declarations, self._job, self._place, state.providers)
        said = self._leant_on[turn.name] = self._exports(turn)
        return replace(content, unknown=foreign(turn.declarations, {turn.name}) - said.keys())

    def _exports(self, turn: Turn) -> Mapping[Ref, str]:
        """What other roots say of what a root leans on, as far as they do."""
        refs = foreign(turn.declarations, {turn.name})
        outputs = {root: self._states.of(root).outputs for root in {ref.root for ref in refs}}
        return {ref: outputs[ref.root][name] for ref in refs if (name := output_of(ref)) in outputs[ref.root]}

    def _targets(self, turn: Turn, content: RootContent, state: RootState, *, whole: bool) -> Iterator[str]:
        if turn.leaving:
            yield from (address_of(item.type, item.key) for item in state.resources if item.key in turn.leaving)
            yield from (address_of(item.type, item.key) for item in turn.declarations if _moves(item, state))
        elif content.unknown and not whole:
            without = leaning(turn.declarations, content.unknown)
            yield from (address_of(item.type, item.key) for item in turn.declarations if item.key not in without)

    def _known(self, adoption: Adoption) -> Adoption:
        """An adoption with the id that the root it leaves knows, where nobody says another."""
        if adoption.id or not adoption.from_root:
            return adoption
        there = self._states.of(adoption.from_root).resources
        held = next((item for item in there if item.key == adoption.key), None)
        return replace(adoption, id=held.id) if held and not held.type.startswith(ESTATE_TYPES) else adoption


def _moves(item: Declaration, state: RootState) -> bool:
    return not state.keys.isdisjoint(item.aliases)
