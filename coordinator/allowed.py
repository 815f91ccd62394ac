"""Where a customer's things may be: asked before anything is handed out, since no plan is reviewed then. Pure."""

from contracts.limits import Rules
from contracts.requests import Missing
from policies.rules.placement import outside_allowed


def not_allowed(rules: Rules, customer: str, place: str) -> tuple[Missing, ...]:
    """What `allowed_regions` says against handing a customer something at a place (a region or a link)."""
    outside = outside_allowed(rules, customer, place)
    allowed = " and ".join(rules.allowed_regions.get(customer, ())) or "no region"
    why = f"allowed_regions: {customer} may only have things in {allowed}"
    return tuple(Missing(kind="policy", place=region, wanted=1, available=0, why=why) for region in outside)
