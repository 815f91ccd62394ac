"""`Environment`: what people decide. One YAML file each, `environments/<name>.yaml`.

Every setting has a unit in its name, a default and a reason. Paths are relative to the project's folder (the folder
that holds `environments/`).
"""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt

from contracts.accounts import Account, CloudRegion, TargetName
from contracts.capacity import CapacityKind
from contracts.document import Document, Model, unsaid
from contracts.engines import Backend, EngineName, Layout, Rollout
from contracts.failover import FailoverSettings
from contracts.limits import CapacitySettings, Freeze, Rules, Tolerance, Unattended, a_day
from contracts.names import RegionName
from contracts.preference import PlacementSettings, RegionPlacement, nothing_moves
from contracts.purchases import Purchases, only_on_demand
from contracts.series import SeriesKind
from contracts.staging import AddressSettings, StagingSettings, as_by_default
from contracts.storage import StorageAsk
from contracts.workloads import Workload


def as_elsewhere(value: float | None) -> bool:
    """Whether a region says nothing of its own; 0 is something."""
    return value is None


def a_single_day(value: int) -> bool:
    """Whether scale-in waits for a day, as it does by default."""
    return value == 1


class RegionSettings(Model):
    """What people say of one region.

    Attributes:
        asn: its autonomous system number; private by default (RFC 6996).
        minimum, maximum: bounds on planned serving capacity per kind, whatever the forecast says.
        paused: leave this region exactly as it is.
        cloud: where it lies in a cloud; without it, it is on premises: the inventory knows it.
        gateway: public address of its own router, where tunnels of other regions end; clouds have theirs.
        prefixes: what lies behind that router (CIDR), for routes of clouds that do not learn them; clouds have pools.
        country: whose public holidays move its demand: `DE`, or with a subdivision `DE-HE` (ISO 3166); none without it.
        timezone: where its days begin (IANA, `Europe/Berlin`), for public holidays and other events of whole days.
        purchases: how its compute may be paid for, in place of what the environment says.
        critical_share: in place of the environment's `failover.critical_share`.
        replication_gbps: what it sends to all that carry its load together, to each as its share.
        storage: in place of the environment's `storage`.
        residency: regions and countries (`DE`) that what it serves may be served in; anywhere where it is empty.
        placement: in place of what the environment's `placement` says.
    """

    name: RegionName
    cloud: CloudRegion | None = None
    gateway: str = ""
    prefixes: tuple[str, ...] = ()
    asn: int = Field(default=64512, ge=1, le=4294967294)
    minimum: dict[CapacityKind, float] = Field(default={})
    maximum: dict[CapacityKind, float] = Field(default={})
    paused: bool = False
    country: str = Field(default="", max_length=10)
    timezone: str = Field(default="UTC", max_length=40)
    purchases: Purchases | None = Field(default=None, exclude_if=unsaid)
    critical_share: float | None = Field(default=None, ge=0, le=1, exclude_if=as_elsewhere)
    replication_gbps: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    storage: tuple[StorageAsk, ...] = Field(default=(), exclude_if=unsaid)
    residency: tuple[str, ...] = Field(default=(), exclude_if=unsaid)
    placement: RegionPlacement | None = Field(default=None, exclude_if=unsaid)


class Horizons(Model):
    """How far forecasts reach and how long a plan holds.

    `lead_hours` is how long each kind of capacity takes from order to use; 0 where it is left out: there within the
    hour. What is ordered now has to suffice until what the next plan orders is there, so that its demand is looked at
    for as many hours more. `scale_in_days`: what the plan applied last asked for is lowered no further than to what was
    measured in so many days before the forecast; 0: by the forecast alone.
    """

    hourly_hours: int = Field(default=168, ge=24, le=336)
    daily_days: int = Field(default=28, ge=1, le=90)
    validity_hours: int = Field(default=24, ge=1, le=336)
    lead_hours: dict[CapacityKind, NonNegativeInt] = Field(default={}, exclude_if=unsaid)
    scale_in_days: int = Field(default=1, ge=0, le=7, exclude_if=a_single_day)

    def hours_of(self, kind: CapacityKind) -> int:
        """How many hours what is planned now of a kind has to suffice for."""
        return self.validity_hours + self.lead_hours.get(kind, 0)


def _as_a_continents(value: float) -> bool:
    return value == 0.001


class Costs(Model):
    """The cost of being wrong: USD for one unit short during one hour, and for one request not met from staging.

    `latency_usd_per_gb_ms` is what a millisecond of round trip is worth to a GB. It is read where prices per GB are
    stated: traffic then takes the path where price, circuits and latency come to least.

    The newsvendor ratio shortage / (shortage + idle), with the idle cost read from prices, gives the quantile that
    sizes are taken at (Arrow, Harris and Marschak 1951).
    """

    shortage_usd_per_unit_hour: dict[CapacityKind, float] = Field(
        default={
            CapacityKind.VCPU: 0.6,
            CapacityKind.MEMORY_GIB: 0.08,
            CapacityKind.STORAGE_GIB: 0.002,
            CapacityKind.GBPS: 4.0,
            CapacityKind.ADDRESSES: 0.05,
        }
    )
    missed_staging_usd: float = Field(default=25.0, ge=0)
    latency_usd_per_gb_ms: float = Field(default=0.001, ge=0, exclude_if=_as_a_continents)


class Coefficients(Model):
    """Demand per telemetry, used for a region without utilisation history, and for pairs."""

    vcpu_per_1000_transactions: float = Field(default=0.02, ge=0)
    memory_gib_per_vcpu: float = Field(default=4.0, ge=0)
    storage_gib_per_vcpu: float = Field(default=50.0, ge=0)
    vcpu_per_gbps: float = Field(default=2.0, ge=0)  # of a pair's traffic, in its destination


class BlockUse(Model):
    """When an address block counts as under- or over-used: shares of what it can carry, in its busiest hour.

    What a block of IPv4 can carry is `gbps_per_address` times its addresses; without that, and of IPv6, what the
    busiest tenth of all blocks of its family carries per address.
    """

    gbps_per_address: float | None = Field(default=None, gt=0)
    under_share: float = Field(default=0.1, ge=0, le=1)
    over_share: float = Field(default=0.9, gt=0)


class Score(Model):
    """How an address request is scored: weights of the parts (each 0 to 1), and the threshold that grants."""

    bid_weight: float = Field(default=0.4, ge=0)
    traffic_weight: float = Field(default=0.3, ge=0)
    alignment_weight: float = Field(default=0.3, ge=0)
    threshold: float = Field(default=0.35, ge=0, le=1)
    reference_bid_usd_per_hour: float = Field(default=0.01, gt=0)  # per address; a bid of twice it scores 2/3


class Adopted(Model):
    """Something that was there before Prestage, and stays as it was found (`prestage adopt` writes these lines).

    Attributes:
        key: of its declaration: `fra/compute/serving/m6i.large`.
        id: what an import calls it.
        as_found: arguments that take the place of those that a plan would declare; None declares nothing. Taking one
            out lets the next plan change it.
    """

    key: str
    id: str
    as_found: dict[str, JsonValue] = Field(default={})


class HistorySettings(Model):
    """How telemetry is kept. No plan depends on it.

    Attributes:
        key: the master key that the history is encrypted under: `local` (key files in the state folder),
            `local:FOLDER`, `awskms:ARN`, `gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K`; without one, it is
            not encrypted.
        keep_days: how long each kind of series, or `requests`, is kept when the history is compacted; for ever by
            default.
        encrypt_forecasts: whether the values of forecasts are encrypted where the history is; else whoever makes plans
            needs no key.
    """

    key: str = ""
    keep_days: dict[SeriesKind | Literal["requests"], PositiveInt] = Field(default={})
    encrypt_forecasts: bool = True


def _within(country: str, said: tuple[str, ...]) -> bool:
    """Whether a country (`DE`, or with a subdivision `DE-HE`) is one of those, or within one."""
    return bool(country) and (country in said or country.partition("-")[0] in said)


class Environment(Document):
    """All that people decide for one environment."""

    FORMAT: ClassVar[str] = "prestage/environment"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"history"})  # a plan is the same however telemetry is kept

    name: RegionName
    target: Literal[TargetName.ESTATE] = TargetName.ESTATE  # of regions that lie in no cloud
    engine: EngineName = EngineName.TERRAFORM
    layout: Layout = Layout.ENVIRONMENT
    currency: Literal["USD"] = "USD"
    owner: str = "network"
    inventory: str = "estate/inventory.yaml"  # what physically exists: regions, hosts, pools, routes, prices
    catalog: str = "estate/catalog.yaml"
    customers: str = "customers.yaml"  # what customers say that they will use; none where there is no such file
    state: str = ""  # folder of everything that is kept; default .prestage/<name>
    accounts: tuple[Account, ...] = ()
    backend: Backend = Backend()
    rollout: Rollout = Rollout()
    regions: tuple[RegionSettings, ...] = Field(min_length=1)
    history: HistorySettings = HistorySettings()
    horizons: Horizons = Horizons()
    costs: Costs = Costs()
    failover: FailoverSettings = FailoverSettings()
    staging: StagingSettings = StagingSettings()
    addresses: AddressSettings = Field(default=AddressSettings(), exclude_if=as_by_default)
    purchases: Purchases = Field(default=Purchases(), exclude_if=only_on_demand)
    storage: tuple[StorageAsk, ...] = Field(default=(), exclude_if=unsaid)
    placement: PlacementSettings = Field(default=PlacementSettings(), exclude_if=nothing_moves)
    workloads: tuple[Workload, ...] = Field(default=(), exclude_if=unsaid)  # load that comes in whole units
    coefficients: Coefficients = Coefficients()
    block_use: BlockUse = BlockUse()
    score: Score = Score()
    rules: Rules = Rules()
    unattended: Unattended = Unattended()
    tolerance: Tolerance = Tolerance()
    capacity: CapacitySettings = Field(default=CapacitySettings(), exclude_if=a_day)
    freezes: tuple[Freeze, ...] = ()
    adopted: tuple[Adopted, ...] = ()
    pins: tuple[str, ...] = ()  # resource keys that plans leave as they are

    @property
    def state_dir(self) -> str:
        return self.state or f".prestage/{self.name}"

    def region(self, name: str) -> RegionSettings | None:
        return next((region for region in self.regions if region.name == name), None)

    def cloud(self, region: str) -> CloudRegion | None:
        """Where a region lies in a cloud; None where it is on premises."""
        settings = self.region(region)
        return settings.cloud if settings else None

    def account(self, region: str) -> Account | None:
        """The account of a region that lies in a cloud."""
        cloud = self.cloud(region)
        return next((account for account in self.accounts if cloud and account.name == cloud.account), None)

    def purchases_of(self, region: str) -> Purchases:
        """How a region's compute may be paid for: what it says itself, else the environment; by hour in clouds only."""
        settings = self.region(region)
        said = settings.purchases if settings and settings.purchases else self.purchases
        return said if self.cloud(region) else said.model_copy(update={"hourly": False})

    def critical_share_of(self, region: str) -> float:
        """The share of a region's load that partners carry when it is lost."""
        settings = self.region(region)
        said = settings.critical_share if settings else None
        return self.failover.critical_share if said is None else said

    def placement_of(self, region: str) -> PlacementSettings:
        """Which of a region's demand may be served elsewhere, and how far away: its own word, or the environment's."""
        settings = self.region(region)
        said = settings.placement.model_dump(exclude_none=True) if settings and settings.placement else {}
        return self.placement.model_copy(update=said)

    def replication_gbps_of(self, region: str) -> float:
        settings = self.region(region)
        return settings.replication_gbps if settings else 0.0

    def storage_of(self, region: str) -> tuple[StorageAsk, ...]:
        """The parts of a region's storage: its own, else the environment's; else one that is asked nothing but GiB."""
        settings = self.region(region)
        return (settings.storage if settings else ()) or self.storage or (StorageAsk(),)

    def residency_of(self, region: str) -> frozenset[str] | None:
        """The regions that one's load may be served in, itself among them; None where it may be anywhere."""
        settings = self.region(region)
        said = settings.residency if settings else ()
        if not said:
            return None
        names = {other.name for other in self.regions if other.name in said or _within(other.country, said)}
        return frozenset({region, *names})

    def buys_commitments(self, region: str) -> bool:
        """Whether what is committed in a region is bought; otherwise it is recommended."""
        account = self.account(region)
        return account is not None and account.buy_commitments

    def target_of(self, region: str) -> TargetName:
        """Where a region's resources are made."""
        account = self.account(region)
        return account.target if account else TargetName.ESTATE
