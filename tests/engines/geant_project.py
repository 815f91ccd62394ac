"""A project of 23 regions for the GEANT traffic matrices.

The matrices hold traffic alone. All else is made up by one seeded rule, and said here: where regions stand, what they
have and cost; links, one for each pair that ever has traffic; telemetry (a transaction moves a megabyte, so that the
environment's coefficient turns what leaves a region into vCPUs); peering requests (rare where traffic is rare).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.capacity import Catalog, CircuitTier, Shape, StorageClass
from contracts.document import Document
from contracts.environment import Coefficients, Environment, RegionSettings
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory

REGIONS = tuple(f"r{number:02}" for number in range(1, 24))
CONTINENTS = {region: "europe" if region <= "r14" else "america" if region <= "r19" else "asia" for region in REGIONS}
KBIT_PER_TRANSACTION = 8000
REQUESTS_A_DAY = 6
SEED = 2005


@dataclass(frozen=True, eq=False)
class GeantProject:
    """What is made of the matrices: rows of unique_id, ds, y in kbit/s."""

    matrices: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Environment, inventory and catalog; telemetry and requests to import."""
        regions = tuple(RegionSettings(name=name, asn=64512 + number) for number, name in enumerate(REGIONS))
        environment = Environment(
            name="geant",
            regions=regions,
            coefficients=Coefficients(vcpu_per_1000_transactions=0.2),
        )
        _write(folder / "environments" / "geant.yaml", environment)
        facts = InventoryFacts(regions=_regions(), links=self._links(), source="made up, seeded")
        _write(folder / "estate" / "inventory.yaml", facts)
        _write(folder / "estate" / "catalog.yaml", CATALOG)
        self.telemetry().to_parquet(folder / "telemetry.parquet")
        self.requests().to_csv(folder / "requests.csv", index=False)

    def pairs(self) -> list[tuple[str, str]]:
        """Ordered pairs of two regions that ever have traffic."""
        seen = self.matrices.groupby("unique_id", observed=True)["y"].max() > 0
        ends = [str(pair).split("->") for pair, carries in seen.items() if carries]
        return [(a, b) for a, b in ends if a != b]

    def telemetry(self) -> pd.DataFrame:
        """Transactions of one service in each region, out of the traffic that leaves it or stays in it."""
        source = self.matrices["unique_id"].astype("str").str.split("->").str[0].rename("region")
        leaving = self.matrices.groupby([source, "ds"])["y"].sum(min_count=len(REGIONS) // 2).reset_index()
        return pd.DataFrame(
            {
                "time": leaving["ds"].dt.tz_localize("UTC"),
                "region": leaving["region"],
                "service": "transfer",
                "metric": "transactions",
                "value": leaving["y"].astype("float64") * 3600 / KBIT_PER_TRANSACTION,
            }
        )

    def requests(self) -> pd.DataFrame:
        """Requests of the last four weeks: pairs drawn in proportion to their traffic."""
        chance = np.random.default_rng(SEED)
        mean = self.matrices.groupby("unique_id", observed=True)["y"].mean()
        pairs = self.pairs()
        weight = np.array([mean[f"{a}->{b}"] for a, b in pairs], dtype=np.float64)
        count = REQUESTS_A_DAY * 28
        hours = np.sort(chance.integers(1, 28 * 24, count))
        drawn = chance.choice(len(pairs), count, p=weight / weight.sum())
        end = self.matrices["ds"].max().tz_localize("UTC")
        return pd.DataFrame(
            {
                "time": [(end - pd.Timedelta(hours=int(hour))).isoformat() for hour in hours],
                "source": [pairs[index][0] for index in drawn],
                "destination": [pairs[index][1] for index in drawn],
                "vcpu": 4, "memory_gib": 16, "gbps": 0.5, "prefix_length": 28, "duration_hours": 24,
            }
        )  # fmt: skip

    def _links(self) -> tuple[LinkInventory, ...]:
        joined = sorted({(min(pair), max(pair)) for pair in self.pairs()})
        return tuple(_link(a, b) for a, b in joined)


CATALOG = Catalog(
    shapes=(Shape(name="s4", vcpu=4, memory_gib=16), Shape(name="m16", vcpu=16, memory_gib=64)),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10)),
)


def _regions() -> tuple[RegionInventory, ...]:
    chance = np.random.default_rng(SEED)
    return tuple(
        RegionInventory(
            name=name,
            continent=CONTINENTS[name],
            fault_domain=f"{CONTINENTS[name]}-grid-{number % 3}",
            hosts=(HostGroup(count=int(chance.integers(16, 33)), vcpu=64, memory_gib=256),),
            storage_gib={"standard": 200_000.0},
            pools=(f"10.{number}.0.0/16",),
            prices={"s4": 0.18 * dear, "m16": 0.70 * dear, "standard": 0.0001 * dear, "address": 0.004},
        )
        for number, name in enumerate(REGIONS)
        for dear in (round(float(chance.uniform(0.9, 1.3)), 3),)
    )


def _link(a: str, b: str) -> LinkInventory:
    far = CONTINENTS[a] != CONTINENTS[b]
    latency = (80 if far else 8) + abs(int(a[1:]) - int(b[1:]))
    prices = {"1g": 0.9, "10g": 6.0} if far else {"1g": 0.3, "10g": 2.0}
    return LinkInventory(a=a, b=b, latency_ms=latency, gbps=40, prices=prices)


def _write(path: Path, document: Document) -> None:
    """JSON is YAML too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document.content(), indent=1))
