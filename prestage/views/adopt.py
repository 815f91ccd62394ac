"""What was found in the clouds: what is proposed for which place, what is left alone and why, what to write down."""

from collections.abc import Iterable, Sequence

from contracts.adoption import AdoptionProposal, LeftAlone, ProposedAdoption
from contracts.environment import Adopted
from contracts.wording import describe
from contracts.yaml_plain import plain_text
from prestage.views.paper import dim, good, next_steps, plural, table, title, warn


def proposal_text(proposal: AdoptionProposal, lines: Sequence[Adopted], path: str) -> str:
    """The proposal, then what the environment has to say first, then what to type next.

    Args:
        proposal: all of it.
        lines: what is missing under the environment's `adopted`.
        path: the proposal's file; empty where it is about to be applied.
    """
    found = len(proposal.parts)
    verdict = good(f"{plural(found, 'part')} to take in") if found else dim("nothing to take in")
    text = [f"{title(f'Adoption in {proposal.environment}')}: {verdict}"]
    rows = [row for item in proposal.proposed for row in _proposed(item)]
    text += [table(rows, head=("place", "", "account", "found"))] if rows else []
    text += [table(_left(proposal.left), head=("left alone", "", ""))] if proposal.left else []
    if lines:
        text += [
            warn(f"These stay as they were found: add to environments/{proposal.environment}.yaml"),
            as_yaml(lines),
        ]
    if found and path:
        apply = f"prestage adopt --env {proposal.environment} --apply {path}"
        text.append(next_steps(*(["write the lines above, then:"] if lines else []), apply, _pins(proposal)))
    return "\n".join(text)


def as_yaml(lines: Iterable[Adopted]) -> str:
    """Entries of `adopted`, as the environment's file has them."""
    entries = [item.model_dump(mode="json") for item in lines]
    return plain_text({"adopted": entries}).rstrip()


def _proposed(item: ProposedAdoption) -> Iterable[tuple[str, ...]]:
    for part in item.parts:
        stands = part.key == item.resource.key
        yield part.key, describe(item.resource.spec) if stands else "", part.found.account, part.found.id


def _left(left: Sequence[LeftAlone]) -> Iterable[tuple[str, ...]]:
    return ((item.found.id, item.code.value.replace("_", " "), item.why) for item in left)


def _pins(proposal: AdoptionProposal) -> str:
    """A plan takes away what no demand asks for; a pin keeps it."""
    keys = " ".join(item.resource.key for item in proposal.proposed if item.resource.kind.value != "network")
    return f"then, to keep what no forecast asks for, add to `pins`: {keys}" if keys else "prestage plan"
