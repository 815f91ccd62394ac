"""Checks of what an environment says of clouds: accounts, where regions lie, what joins them, where states are kept."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address

from contracts.accounts import Account, CloudRegion, TargetName
from contracts.engines import BackendKind, EngineName
from contracts.environment import Environment, RegionSettings
from contracts.inventory import InventoryFacts, LinkInventory
from contracts.names import is_link, link_ends, link_name
from contracts.spelling import likely

_IDS: Mapping[TargetName, tuple[str, str]] = {
    TargetName.AWS: (r"\d{12}", "an AWS account: 12 digits"),
    TargetName.GCP: (r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "a Google Cloud project id"),
}
_LOCATIONS: Mapping[TargetName, tuple[str, str]] = {
    TargetName.AWS: (r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as eu-central-1"),
    TargetName.GCP: (r"[a-z]+-[a-z]+\d+", "a Google Cloud region such as europe-west3"),
}
_PRIVATE_ASNS = (range(64512, 65535), range(4_200_000_000, 4_294_967_295))  # RFC 6996
_SMALLEST: Mapping[TargetName, int] = {TargetName.AWS: 28, TargetName.GCP: 29}
_ROLES: Mapping[TargetName, tuple[str, str]] = {
    TargetName.AWS: (r"arn:aws[a-z-]*:iam::\d{12}:role/.+", "the ARN of a role"),
    TargetName.GCP: (r"[^@\s]+@[^@\s]+\.gserviceaccount\.com", "the e-mail address of a service account"),
}


def cloud_findings(environment: Environment, facts: InventoryFacts) -> Iterator[str]:
    """Everything that is wrong, with the likely spelling."""
    for account in environment.accounts:
        yield from _account(account)
    yield from _repeated("accounts", [account.name for account in environment.accounts])
    for region in environment.regions:
        if region.cloud is not None:
            yield from _region(environment, region, region.cloud)
    yield from _locations(environment)
    yield from _purchases(environment)
    yield from _links(environment, facts)
    yield from _staging(environment)
    yield from _rollout(environment)
    yield from _backend(environment)


def _account(account: Account) -> Iterator[str]:
    for field, value, (pattern, said) in (
        ("id", account.id, _IDS[account.target]),
        ("role", account.role, _ROLES[account.target]),
    ):
        if value and not re.fullmatch(pattern, value):
            yield f"accounts: {account.name}: {field} {value!r} is not {said}"
    for address in account.notify:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            yield f"accounts: {account.name}: notify: {address!r} is no e-mail address"
    if account.endpoint and not re.match(r"https?://", account.endpoint):
        yield f"accounts: {account.name}: endpoint {account.endpoint!r} is no http:// or https:// address"


def _region(environment: Environment, region: RegionSettings, cloud: CloudRegion) -> Iterator[str]:
    account = environment.account(region.name)
    if account is None:
        known = [item.name for item in environment.accounts]
        hint = likely(cloud.account, known) or f"known are {', '.join(sorted(known)) or 'none'}"
        yield f"regions: {region.name}: account {cloud.account!r} is unknown; {hint}"
        return
    yield from _lies(region, cloud, account)
    if not any(region.asn in numbers for numbers in _PRIVATE_ASNS):
        yield f"regions: {region.name}: asn {region.asn} is not private; clouds take 64512 to 65534, or 4200000000 on"
    if region.gateway:
        yield f"regions: {region.name}: gateway is of regions on premises; a cloud has its own"
    if account.target is TargetName.GCP and cloud.direct_connect:
        yield f"regions: {region.name}: direct_connect is of AWS; Google Cloud's attachments need none"
    for link in cloud.direct_connect:
        if not is_link(link) or region.name not in _ends(link):
            yield f"regions: {region.name}: direct_connect: {link!r} is no link of {region.name}"
    for item, usd in cloud.prices.items():
        if usd < 0:
            yield f"regions: {region.name}: prices: {item} costs {usd:g}"


def _lies(region: RegionSettings, cloud: CloudRegion, account: Account) -> Iterator[str]:
    pattern, said = _LOCATIONS[account.target]
    if not re.fullmatch(pattern, cloud.location):
        yield f"regions: {region.name}: location {cloud.location!r} is not {said}; account {account.name} is there"
    for zone in cloud.zones:
        if not zone.startswith(cloud.location) or zone == cloud.location:
            yield f"regions: {region.name}: zone {zone!r} is not in {cloud.location}"
    yield from _repeated(f"regions: {region.name}: zones", cloud.zones)


def _locations(environment: Environment) -> Iterator[str]:
    """Two regions in one location of one account would have one quota between them, and each call it its own."""
    first: dict[tuple[str, str], str] = {}
    for region in environment.regions:
        if region.cloud:
            there = (region.cloud.account, region.cloud.location)
            other = first.setdefault(there, region.name)
            if other != region.name:
                yield f"regions: {other} and {region.name} are both {there[1]} of account {there[0]}"


def _purchases(environment: Environment) -> Iterator[str]:
    for region in environment.regions:
        if region.purchases and region.purchases.hourly and region.cloud is None:
            yield f"regions: {region.name}: purchases.hourly is of regions in clouds; no schedule scales hosts"


def _links(environment: Environment, facts: InventoryFacts) -> Iterator[str]:
    """What joins premises and a cloud needs a router that tunnels can end at, and two numbers for BGP."""
    for link in facts.links:
        ends = [environment.region(name) for name in sorted({link.a, link.b})]
        here = [end for end in ends if end is not None and end.cloud is None]
        there = [end for end in ends if end is not None and end.cloud is not None]
        name = link_name(link.a, link.b)
        yield from (
            f"regions: {end.name}: gateway is missing: the public address of its router, where {name} ends"
            for end in here
            if there and not end.gateway
        )
        yield from (
            f"regions: {end.name}: gateway {end.gateway!r} is no IPv4 address"
            for end in here
            if end.gateway and not _is_address(end.gateway)
        )
        yield from _circuits(environment, link, here, there)
        targets = {environment.target_of(end.name) for end in (*here, *there)}
        if len(targets) == 2 and len({end.asn for end in (*here, *there)}) == 1:
            asn = (*here, *there)[0].asn
            yield f"links: {name}: both ends have asn {asn}; what joins two targets needs two of them"


def _circuits(
    environment: Environment, link: LinkInventory, here: Sequence[RegionSettings], there: Sequence[RegionSettings]
) -> Iterator[str]:
    """Circuits from AWS to elsewhere are tunnels on a transit gateway, or hosted on a named connection."""
    name = link_name(link.a, link.b)
    aws = [end for end in there if environment.target_of(end.name) is TargetName.AWS]
    if not link.prices or len(aws) != 1:
        return
    (end,), cloud = aws, aws[0].cloud
    if cloud is None or name in cloud.direct_connect:
        return
    if not cloud.transit:
        yield f"regions: {end.name}: circuits of {name} need `transit`, or a connection in `direct_connect`"
    for premises in here:
        if not premises.prefixes:
            yield f"regions: {premises.name}: prefixes is missing: what lies behind its router, for {end.name}"


def _staging(environment: Environment) -> Iterator[str]:
    """Blocks are subnets, of which each cloud has a smallest size."""
    length = environment.staging.block_length
    for region in environment.regions:
        least = _SMALLEST.get(environment.target_of(region.name), 32)
        if length > least:
            yield f"staging.block_length: a /{length} is too small for {region.name}: its cloud takes a /{least}"


def _rollout(environment: Environment) -> Iterator[str]:
    known = [region.name for region in environment.regions]
    named = [region for wave in environment.rollout.waves for region in wave]
    for region in named:
        if region not in known:
            hint = likely(region, known) or f"known are {', '.join(sorted(known))}"
            yield f"rollout.waves: {region!r} is unknown; {hint}"
    yield from _repeated("rollout.waves", named)


def _backend(environment: Environment) -> Iterator[str]:
    backend, pulumi = environment.backend, environment.engine is EngineName.PULUMI
    needed: Mapping[BackendKind, tuple[str, ...]] = {
        BackendKind.LOCAL: (),
        BackendKind.S3: ("bucket", "location"),
        BackendKind.GCS: ("bucket",),
        BackendKind.PULUMI_CLOUD: ("organisation",),
    }
    for field in needed[backend.kind]:
        if not getattr(backend, field):
            yield f"backend: {backend.kind} needs `{field}`"
    if backend.kind is BackendKind.PULUMI_CLOUD and not pulumi:
        yield f"backend: pulumi_cloud is of Pulumi; the engine is {environment.engine}"


def _repeated(where: str, names: list[str] | tuple[str, ...]) -> Iterator[str]:
    for name in sorted({name for name in names if list(names).count(name) > 1}):
        yield f"{where}: {name!r} is listed twice"


def _ends(link: str) -> tuple[str, ...]:
    try:
        return link_ends(link)
    except ValueError:
        return ()


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
