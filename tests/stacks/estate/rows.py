"""Arguments of estate resources, as a provider hands them in."""

from stacks.declaration import Value

TAGS = {"environment": "dev", "owner": "net"}


def block(key: str, prefix: str, region: str = "fra", pool: str = "10.1.0.0/16") -> dict[str, Value]:
    return {**TAGS, "key": key, "region": region, "prefix": prefix, "pool": pool}


def machines(key: str, instances: int, region: str = "fra") -> dict[str, Value]:
    place = {"key": key, "region": region, "network": f"dev/{region}/network"}
    return {**TAGS, **place, "shape": "m8", "instances": instances, "purchase": "on_demand"}


def volume(key: str, gib: int, replica: str | None = None) -> dict[str, Value]:
    replicas: dict[str, Value] = {"replica_region": replica} if replica else {}
    return {**TAGS, "key": key, "region": "fra", "storage_class": "standard", "gib": gib, **replicas}


def circuit(key: str, circuits: int) -> dict[str, Value]:
    return {**TAGS, "key": key, "link": "ams--fra", "tier": "10g", "gbps": 10, "circuits": circuits}
