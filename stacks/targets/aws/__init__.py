"""AWS: resources of its regions as declarations (Terraform types of hashicorp/aws 5), and back. Pure.

What others may lean on. `R` is a region on AWS, `P` a peer that is not, keys are those of declarations.

Each network has, in its region's root, with what it exports:

    R/network                  aws_vpc: id, arn, cidr_block
    R/network/routes           aws_route_table: id. The one that all its subnets use
    R/network/subnet-ZONE      aws_subnet: id. One a zone, for compute, mount targets, attachments
    R/network/inside           aws_security_group: id. Everything within the network, nothing from outside of it
    R/network/prefixes         aws_ec2_managed_prefix_list: id. The region's pools
    R/network/address          aws_eip: public_ip, allocation_id. Where failover records point to
    R/network/alerts           aws_sns_topic: arn. Where alarms go
    R/network/transit          aws_ec2_transit_gateway: id, arn, association_default_route_table_id. With `transit`
    R/network/transit-attachment   its attachment to the VPC: id
    R/network/vpn              aws_vpn_gateway: id. Where Direct Connect is named, or tunnels cannot end on the transit
                               gateway; its routes are propagated to R/network/routes

The zone subnets take the end of the first pool (`own_prefixes`): live capacity has to call that taken.

A link of two AWS regions has the connection under its own key, and all other parts below it:

    A--B/link                  aws_vpc_peering_connection, in A's account; /accepter in B's, under the same tags
    A--B/link/transit          aws_ec2_transit_gateway_peering_attachment: id; /transit-accepter. AWS allows one between
                               two transit gateways, so it stands with the link, which every circuit needs

A link or a circuit to a peer outside of AWS stands on VPN connections that end on the transit gateway where the peer's
prefixes are known, else on the VPN gateway. For `base` = `<link>/link/R` or `<circuit's key>/R`, number n from 1:

    base, base/0002 ...        aws_vpn_connection, all in the root of the plan's resource (links): tunnel1_address,
                               tunnel1_preshared_key, tunnel1_cgw_inside_address, tunnel1_vgw_inside_address,
                               tunnel1_bgp_asn, and the same of tunnel2. AWS makes the keys: no declaration holds one
    <link>/link/R/gateway, .../gateway-2     aws_customer_gateway: one an address of the peer

`connection_keys` says how many there are, `inside_cidrs(environment, key)` the two /30 inside a connection's tunnels
(AWS has the first host of each, the peer the second). A peer on Google Cloud is reached at two addresses, the
interfaces of the HA VPN gateway `P/network/vpn` (attributes `vpn_interfaces.0.ip_address` and
`vpn_interfaces.1.ip_address`): connection n goes to interface (n - 1) % 2. A peer on premises is reached at its
`gateway`.

Failover: `R/failover/P` is the health check of R's own address, in R's root. The records, which need the partner's
address too, are in the links root (else two partners' roots would wait for each other).
"""

from stacks.targets.aws.addressing import own_prefixes as own_prefixes
from stacks.targets.aws.imports import import_id as import_id
from stacks.targets.aws.kinds import declare as declare
from stacks.targets.aws.providers import provider_of as provider_of
from stacks.targets.aws.reading import undeclare as undeclare
from stacks.targets.aws.tunnels import connection_keys as connection_keys
from stacks.targets.aws.tunnels import inside_cidrs as inside_cidrs
