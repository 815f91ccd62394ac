"""Why one resource of a plan is as it is."""

from typing import TYPE_CHECKING

from contracts.wording import describe
from prestage.views.paper import dim, title
from prestage.views.plan import mark

if TYPE_CHECKING:
    from planner.explain import Explanation


def explanation_document(explanation: "Explanation") -> dict[str, object]:
    """The whole chain as JSON."""
    return {
        "key": explanation.key,
        "resource": explanation.resource.model_dump(mode="json"),
        "change": explanation.change.model_dump(mode="json") if explanation.change else None,
        "waits": explanation.waits,
        "told": list(explanation.told),
        "usd_per_hour": explanation.usd_per_hour,
        "reason": explanation.reason.model_dump(mode="json"),
        "requirements": [item.model_dump(mode="json") for item in explanation.requirements],
    }


def explanation_text(explanation: "Explanation") -> str:
    """The chain in plain English below what the resource is."""
    head, *chain = explanation.lines()
    sign = mark(explanation.change.operation) if explanation.change and not explanation.waits else "="
    return "\n".join([f"{sign} {title(describe(explanation.resource.spec))}  {dim(head)}", *chain])
