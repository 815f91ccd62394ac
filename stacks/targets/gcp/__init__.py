"""Google Cloud: resources of its regions as declarations (Terraform types of hashicorp/google), and back. Pure.

What others may lean on. `R` is a region on Google Cloud, `P` a peer, keys are those of declarations.

Each network has, in its region's root, with what it exports:

    R/network                  google_compute_network: id, name, self_link. One a region: regions meet by peering only
    R/network/subnet           google_compute_subnetwork: id, name, self_link. Its own range is for instances; the rest
                               of the pools are its secondary ranges, which blocks lie in
    R/network/inside           google_compute_firewall: everything between the pools of the environment's regions
    R/network/router           google_compute_router: id, name, self_link. Speaks BGP with the region's ASN
    R/network/vpn              google_compute_ha_vpn_gateway: id, self_link, vpn_interfaces.0.ip_address,
                               vpn_interfaces.1.ip_address
    R/network/address          google_compute_address: address. Where failover records point to
    R/network/channel-N        google_monitoring_notification_channel: id. One an address in the account's `notify`

The subnet's own range is the end of the first pool (`own_prefixes`): live capacity has to call that taken.

A link or circuit between two regions on Google Cloud has its first end under its own key, its second below it:

    A--B/link                  google_compute_network_peering of A's network; /B that of B's
    A--B/circuit/...           google_compute_interconnect_attachment in A; /0002, ... where it counts more; /B, /B/0002

One that leaves Google Cloud has its standing declaration in `base` = `<link>/link/R` or `<circuit's key>/R`:

    base                       google_compute_external_vpn_gateway: the peer's addresses; /peer-0002 where four are too
                               few; /tunnel-1, /interface-1, /session-1 ... a tunnel each
    base                       google_compute_interconnect_attachment, of a circuit to a region on premises

Failover: `R/failover/P` is a health check, in R's root; `R/failover/P/record`, which needs the partner's address too,
is in the root of the links (else two partners' roots would wait for each other), as is `R/failover-shares`, the record
that leads to one of R's pairs.

What has labels bears environment, key and owner there; what has none, in its description; some types have neither and
are known by their name alone (`docs/targets/gcp.md` has the list).
"""

from stacks.targets.gcp.addressing import own_prefixes
from stacks.targets.gcp.declared import declare
from stacks.targets.gcp.imports import import_id
from stacks.targets.gcp.marks import label_value
from stacks.targets.gcp.provider import provider_of
from stacks.targets.gcp.undeclared import undeclare

__all__ = ["declare", "import_id", "label_value", "own_prefixes", "provider_of", "undeclare"]
