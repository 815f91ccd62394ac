"""Google Cloud as far as live capacity asks it: regional quotas, machine types by zone, prices, in pages.

As a front before the stand-in of `tests/clouds/gcp_server.py`: what it does not know goes on there.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.clouds.loopback import Handler, LoopbackServer, serving

Row = dict[str, Any]


@dataclass(kw_only=True)
class GcpWorld:
    """One project.

    Attributes:
        quotas: region -> metric -> limit and use.
        zones: zone -> shapes that it offers.
        subnetworks: region -> rows, where no other server is asked.
        skus: rows of the price list; None where it refuses.
        down: regions that answer 503.
        asked: every path.
    """

    quotas: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    zones: dict[str, set[str]] = field(default_factory=dict)
    subnetworks: dict[str, list[Row]] = field(default_factory=dict)
    skus: list[Row] | None = None
    down: set[str] = field(default_factory=set)
    page: int = 2
    asked: list[str] = field(default_factory=list)


@contextmanager
def simulated_gcp(world: GcpWorld, beyond: str = "") -> Iterator[str]:
    """A server over a world; what that does not answer is asked of `beyond`."""
    with serving(_Server(world, beyond)) as url:
        yield url


def sku(description: str, usd: float, usage: str = "OnDemand", *regions: str) -> Row:
    """A row of the price list; its first tier is free of charge."""
    rates = [{"unitPrice": {"units": "0", "nanos": 0}}, {"unitPrice": {"units": "0", "nanos": round(usd * 1e9)}}]
    return {
        "description": description,
        "category": {"usageType": usage},
        "serviceRegions": list(regions),
        "pricingInfo": [{"pricingExpression": {"tieredRates": rates}}],
    }


class _Server(LoopbackServer):
    def __init__(self, world: GcpWorld, beyond: str) -> None:
        super().__init__(_Handler)
        self.world, self.beyond = world, beyond


class _Handler(Handler):
    server: _Server

    def serve(self) -> None:
        world, body = self.server.world, self.payload()
        split = urlsplit(self.path)
        path, query = unquote(split.path), {name: values[0] for name, values in parse_qs(split.query).items()}
        world.asked.append(path)
        if any(f"/{region}" in path for region in world.down):
            return self._send(503, {"error": {"code": 503, "message": "down for the test"}})
        answer = _answer(world, path, query) if self.command == "GET" else None
        if answer is not None:
            return self._send(*answer)
        if not self.server.beyond:
            return self._send(404, {"error": {"code": 404, "message": f"no answer to {path}"}})
        return self.pass_on(self.server.beyond, body)

    def _send(self, code: int, answer: Row) -> None:
        self.reply(code, json.dumps(answer).encode(), {"Content-Type": "application/json; charset=UTF-8"})


def _answer(world: GcpWorld, path: str, query: dict[str, str]) -> tuple[int, Row] | None:
    """Status and body; None for what is another server's to say."""
    if found := re.search(r"/regions/([a-z0-9-]+)$", path):
        quotas = world.quotas.get(found[1])
        if quotas is None:
            return 400, {"error": {"code": 400, "message": f"Unknown region {found[1]}"}}
        rows = [{"metric": name, "limit": limit, "usage": used} for name, (limit, used) in sorted(quotas.items())]
        return 200, {"name": found[1], "quotas": rows}
    if found := re.search(r"/zones/([a-z0-9-]+)/machineTypes$", path):
        wanted = set(re.findall(r'name = "([^"]+)"', query.get("filter", "")))
        return 200, _page(world, [{"name": name} for name in sorted(world.zones.get(found[1], set()) & wanted)], query)
    if found := re.search(r"/regions/([a-z0-9-]+)/subnetworks$", path):
        return (200, _page(world, world.subnetworks[found[1]], query)) if found[1] in world.subnetworks else None
    if path.endswith("/skus"):
        if world.skus is None:
            return 403, {"error": {"code": 403, "message": "the billing API is not enabled"}}
        return 200, _page(world, world.skus, query, items="skus")
    return None


def _page(world: GcpWorld, rows: list[Row], query: dict[str, str], items: str = "items") -> Row:
    start = int(query.get("pageToken") or 0)
    more = {"nextPageToken": str(start + world.page)} if start + world.page < len(rows) else {}
    return {items: rows[start : start + world.page], **more}
