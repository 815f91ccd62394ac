"""A failover pair: a health check of the region's own address, and the records that lead to the partner without it.

A region may have several partners, each for a share of its load: `<region>.<environment>` is a weighted record a
partner, alias of the pair's own name, `<partner>-for-<region>.<environment>`, which fails over from one to the other.
Names are completed by the zone's. Records need both addresses, so they live where links do.
"""

from collections.abc import Iterator
from dataclasses import replace

from contracts.resources import LINKS_ROOT, FailoverSpec
from stacks.declaration import Argument, Declaration
from stacks.errors import InvalidArgument
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.fronts import front_of

PORT = 443
TTL_S = 60
MOST_WEIGHT = 255


def declare_failover(placing: Placing, spec: FailoverSpec) -> Iterator[Declaration]:
    """The health check under the resource's own key; the records below it, where the account has a zone."""
    check: Arguments = {
        "type": "TCP",
        "ip_address": placing.network("address", "public_ip"),
        "port": PORT,
        "request_interval": 30,
        "failure_threshold": 3,
        "tags": placing.tags(partner=spec.partner, share=spec.share),
    }
    made = placing.declare("aws_route53_health_check", "", check)
    yield replace(made, exports=("id",))
    if placing.account.dns_zone:
        yield from _records(placing, spec)


def _records(placing: Placing, spec: FailoverSpec) -> Iterator[Declaration]:
    there = _joining(placing)
    environment = placing.environment
    partner = front_of(spec.partner, environment, root=there.resource.root)
    if partner == "":
        raise InvalidArgument(
            f"its partner {spec.partner} has no public address",
            where=placing.key(),
            next_step=f"set `gateway` of region {spec.partner}",
        )
    name = f"{spec.partner}-for-{placing.region}.{environment.name}"
    own = there.network("address", "public_ip")
    checked: Arguments = {"health_check_id": there.ref(placing.key())}
    yield there.declare("aws_route53_record", "primary", {**_record(there, name, "PRIMARY", own), **checked})
    yield there.declare("aws_route53_record", "secondary", _record(there, name, "SECONDARY", partner))
    weighted: Arguments = {
        "zone_id": placing.account.dns_zone,
        "name": f"{placing.region}.{environment.name}",
        "type": "A",
        "set_identifier": spec.partner,
        "weighted_routing_policy": {"weight": max(1, round(spec.share * MOST_WEIGHT))},
        "alias": {
            "name": there.own("primary", "fqdn"),
            "zone_id": placing.account.dns_zone,
            "evaluate_target_health": True,
        },
    }
    yield there.declare("aws_route53_record", "weighted", weighted)


def _record(placing: Placing, name: str, role: str, address: Argument) -> Arguments:
    return {
        "zone_id": placing.account.dns_zone,
        "name": name,
        "type": "A",
        "ttl": TTL_S,
        "set_identifier": role.lower(),
        "failover_routing_policy": {"type": role},
        "records": (address,),
    }


def _joining(placing: Placing) -> Placing:
    """The same resource in the root of what joins regions, where it is in its region's."""
    resource = placing.resource
    if resource.root != resource.place:
        return placing
    return replace(placing, resource=resource.model_copy(update={"root": LINKS_ROOT}))
