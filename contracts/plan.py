"""`Plan`: the desired state, what changes to reach it, why, and at what cost. A file that people review.

A plan is one state, valid until it expires. It holds every resource that is wanted (`resources`), and every change
against what was live (`changes`), each with the chain forecast quantile -> requirement -> resource.
"""

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import AwareDatetime, Field, model_validator

from contracts.block_advice import BlockAdvice
from contracts.capacity import CapacityKind
from contracts.clash import Clashes
from contracts.commitment_advice import CommitmentAdvice
from contracts.document import Document, Model, unsaid
from contracts.engines import EngineName
from contracts.lead import Held, Lead
from contracts.names import RegionName
from contracts.preference import Preference
from contracts.resources import Resource
from contracts.risk import Risk, Scarce
from contracts.standing import Standing
from contracts.storage import StorageNeed
from contracts.workloads import Packing


class Operation(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"  # destroyed and made anew: the change cannot be made in place
    DELETE = "delete"
    ADOPT = "adopt"  # exists already (on demand): moves into its region's root unchanged


class ReasonCode(StrEnum):
    """Why a resource is wanted, or no longer."""

    DEMAND = "demand"
    MINIMUM = "minimum"  # an environment's minimum, above what the forecast asks
    WORKLOAD = "workload"  # a unit that cannot be divided, where the sum would do with less
    FAILOVER = "failover"
    STAGING = "staging"
    GRANT = "grant"  # the ledger handed it out
    REQUEST = "request"  # a small plan of its own, for a request that staging could not meet
    SUPPORT = "support"
    PINNED = "pinned"
    PAUSED = "paused"
    REPAIR = "repair"  # live differs from what was applied
    SURPLUS = "surplus"  # demand fell: no longer needed
    UNFIT = "unfit"  # stored, and neither its class nor another in place can be what is asked of storage
    RELEASED = "released"
    CONTENT = "content"  # stored, though no demand asks for it: nothing but people's word takes it away
    DEFERRED = "deferred"  # would save, and waits for a later plan: `rules.defer_changes`


class ForecastLink(Model):
    """The forecast number that a requirement rests on."""

    series: str  # `cpu:fra`
    level: float = Field(gt=0, lt=1)  # quantile level
    value: float = Field(ge=0)
    at: AwareDatetime  # the step where it peaks


class RefusalCode(StrEnum):
    """Why an alternative was not taken."""

    DEARER = "dearer"
    NOT_OFFERED = "not_offered"
    NO_CAPACITY = "no_capacity"
    SAME_FAULT_DOMAIN = "same_fault_domain"
    TOO_FAR = "too_far"
    NOT_ALLOWED = "not_allowed"
    TOO_SLOW = "too_slow"  # of storage: fewer IOPS or MiB per second than are asked for
    LESS_DURABLE = "less_durable"  # of storage
    NO_REPLICA = "no_replica"  # of storage: no partner sells the class, or has the room for it
    RESIDENCY = "residency"  # what is there may not be served from here
    TOO_SMALL = "too_small"  # of a shape: does not hold a unit whole
    MOVES = "moves"  # would be no dearer, but what is live meets the demand and moving is not worth it


class RefusedAlternative(Model):
    """A candidate not taken: which, why, the limit and its number."""

    candidate: str
    code: RefusalCode
    limit: float | None = None
    value: float | None = None
    unit: str = ""


class Requirement(Model):
    """What must hold at a place over the plan's validity.

    `quantity` = forecast value + additions (minimum, failover, staging), each named in `parts`.

    Attributes:
        held: what keeps it as high as it was, though the forecast fell.
        refused: where nothing that is sold could meet it, why each candidate does not.
    """

    id: str
    place: str
    kind: CapacityKind
    quantity: float = Field(ge=0)
    code: ReasonCode
    forecast: ForecastLink | None = None
    parts: dict[str, float] = Field(default={})
    held: Held | None = Field(default=None, exclude_if=unsaid)
    refused: tuple[RefusedAlternative, ...] = Field(default=(), exclude_if=unsaid)


class MarginalBasis(StrEnum):
    """What a marginal price was read from."""

    MARKET = "market"  # the cheapest way to have one more unit at the place alone
    DUALS = "duals"  # of the whole plan's model: what it would cost wherever it were bought


class Marginal(Model):
    """What one more unit of a requirement would cost an hour: the price at which the plan buys it."""

    place: str
    kind: CapacityKind
    usd_per_hour: float = Field(ge=0)
    basis: MarginalBasis = MarginalBasis.MARKET


class Reason(Model):
    """Why one resource is as it is: ids of the requirements it meets, and the alternatives refused.

    Attributes:
        bought_by: of the requirements, the one that decides the size; others are met on the way.
        scenario: the region whose loss it stands by for.
        marginal: what one more unit of `bought_by` would cost.
        storage: what of storage is asked for besides GiB.
        unit: the workload whose unit is the largest that its instances hold.
    """

    code: ReasonCode
    requirements: tuple[str, ...] = ()
    alternatives: tuple[RefusedAlternative, ...] = ()
    bought_by: str = Field(default="", exclude_if=unsaid)
    scenario: str = Field(default="", exclude_if=unsaid)
    marginal: Marginal | None = Field(default=None, exclude_if=unsaid)
    storage: StorageNeed | None = Field(default=None, exclude_if=unsaid)
    unit: str = Field(default="", exclude_if=unsaid)


class PlannedResource(Model):
    """A wanted resource, its price per hour and its reason.

    Attributes:
        ready_at: when a staged block that was ordered by this plan, or an earlier one, can be handed out; None where
            what is ordered is there at once (`horizons.lead_hours`), or has been.
    """

    resource: Resource
    usd_per_hour: float = Field(ge=0)
    reason: Reason
    ready_at: AwareDatetime | None = Field(default=None, exclude_if=unsaid)


class Change(Model):
    """One change against what was live when the plan was made.

    Attributes:
        depends_on: keys that must exist (or, for a delete, be gone) first.
        usd_per_hour: the difference it makes; negative when it saves.
        from_root: for `adopt`, the root that it leaves.
        lead: of what takes longer than an hour to come: when it is there, and by when it has to be ordered.
    """

    operation: Operation
    key: str
    place: str
    before: Resource | None = None
    after: Resource | None = None
    depends_on: tuple[str, ...] = ()
    reason: Reason
    usd_per_hour: float
    from_root: str | None = None
    lead: Lead | None = Field(default=None, exclude_if=unsaid)


class Egress(Model):
    """Traffic that is expected to leave a region towards another, and what that costs.

    Attributes:
        hop: `fra->ams`.
        gbps: mean over the hours that the plan holds.
        usd_per_gb: of 10^9 bytes; 0 where no price is stated.
        usd_per_hour: `gbps` x 450 GB an hour x `usd_per_gb`.
        parts: Gbps by what it is of: a pair, `fra->lon`, or a region's copies at its partner, `replication fra->lon`.
    """

    hop: str
    gbps: float = Field(ge=0)
    usd_per_gb: float = Field(ge=0)
    usd_per_hour: float = Field(ge=0)
    parts: dict[str, float] = Field(default={})


class Cost(Model):
    """Whole-plan cost, USD per hour: live before, after, the proven lower bound on `optimised`, and the relative gap.

    `optimised` is the part of `after` that the solver decided, with what waits; the rest (grants, pins) is given.
    `gap` = (optimised - lower_bound) / optimised.

    Attributes:
        waiting_usd_per_hour: the part of `after` and `optimised` that goes once what waits above the ceiling is done.
        egress_usd_per_hour: the part of `after` that expected traffic costs by the GB.
        egress_before_usd_per_hour: the same of `before`, as the plan applied last expected it; 0 without one.
    """

    before_usd_per_hour: float = Field(ge=0)
    after_usd_per_hour: float = Field(ge=0)
    optimised_usd_per_hour: float = Field(ge=0)
    lower_bound_usd_per_hour: float = Field(ge=0)
    gap: float = Field(ge=0)
    waiting_usd_per_hour: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    egress_usd_per_hour: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    egress_before_usd_per_hour: float = Field(default=0.0, ge=0, exclude_if=unsaid)

    @property
    def has_egress(self) -> bool:
        """Whether traffic by the GB is in what it costs, or was before."""
        return bool(self.egress_usd_per_hour or self.egress_before_usd_per_hour)

    @property
    def done_usd_per_hour(self) -> float:
        """What the plan costs once what waits is done as well."""
        return self.after_usd_per_hour - self.waiting_usd_per_hour

    @property
    def done_gap(self) -> float:
        """The relative gap then."""
        done = self.optimised_usd_per_hour - self.waiting_usd_per_hour
        return max(0.0, (done - self.lower_bound_usd_per_hour) / done) if done > 0 else 0.0


class Inputs(Model):
    """Digests of everything that the plan was computed from. `previous_plan` is that of the plan applied last."""

    forecast: str
    capacity: str
    catalog: str
    environment: str
    rules: str
    ledger: str
    previous_plan: str | None = None


class ReliedOn(Model):
    """A price or a quota that the plan leans on, for the question whether it went stale."""

    what: str  # `price fra m8`, `quota fra vcpu`
    value: float


class UnreadRegion(Model):
    """A region that could not be read when the plan was made, and why: the plan leaves it as it was."""

    region: RegionName
    why: str = ""


class Plan(Document):
    """The desired state of one environment. See the module's docstring."""

    FORMAT: ClassVar[str] = "prestage/plan"

    environment: str
    engine: EngineName
    made_at: AwareDatetime
    expires_at: AwareDatetime
    inputs: Inputs
    requirements: tuple[Requirement, ...]
    resources: tuple[PlannedResource, ...]
    changes: tuple[Change, ...]
    cost: Cost
    relied_on: tuple[ReliedOn, ...] = ()
    egress: tuple[Egress, ...] = Field(default=(), exclude_if=unsaid)  # by hop, where any price of it is stated
    commitments: tuple[CommitmentAdvice, ...] = ()
    block_advice: tuple[BlockAdvice, ...] = Field(default=(), exclude_if=unsaid)  # told, not done
    unread: tuple[UnreadRegion, ...] = ()
    pins_missing: tuple[str, ...] = Field(default=(), exclude_if=unsaid)  # pinned, and not there: in words
    risk: Risk | None = Field(default=None, exclude_if=unsaid)  # the cost of being wrong
    scarce: tuple[Scarce, ...] = Field(default=(), exclude_if=unsaid)  # limits that cost something, the dearest first
    packing: Packing | None = Field(default=None, exclude_if=unsaid)  # where whole units run
    solver: str = ""  # `highs 1.15: optimal`
    cut_short: bool = False
    deferred: tuple[Change, ...] = Field(default=(), exclude_if=unsaid)  # beyond the change ceiling: not made
    preference: Preference | None = Field(default=None, exclude_if=unsaid)  # what is served in cheaper regions
    standing: Standing | None = Field(default=None, exclude_if=unsaid)  # where fleets are planned as a whole
    asked_before: dict[str, float] = Field(default={}, exclude_if=unsaid)  # by requirement, of places left as they are
    small: bool = False  # a plan of its own roots (on demand): does not supersede the environment's plan

    def count(self, operation: Operation) -> int:
        """How many changes are of one operation."""
        return sum(change.operation is operation for change in self.changes)

    @property
    def destroyed(self) -> int:
        """How many resources it destroys: those that it deletes, and those that it replaces."""
        return self.count(Operation.DELETE) + self.count(Operation.REPLACE)


class Shortfall(Model):
    """A demand that cannot be met: where, what, when it peaks, how much is wanted and how much can be had.

    Attributes:
        workload: whose units it is about: `wanted` is of one of them that no shape holds, or of all where some lack a
            place.
    """

    place: str
    kind: CapacityKind
    wanted: float
    available: float
    at: AwareDatetime | None = None
    series: str | None = None
    nearest: str = ""  # the nearest feasible choice, in words with numbers
    workload: str = Field(default="", exclude_if=unsaid)


class Infeasible(Document):
    """What is returned in place of a plan when demand cannot be met (exit 7).

    Attributes:
        shortfalls: what is short, where that can be said; told: what no plan can do, where it is no such number.
        where: the place that `told` names, if it names one.
    """

    FORMAT: ClassVar[str] = "prestage/infeasible"

    environment: str
    shortfalls: tuple[Shortfall, ...] = ()
    told: str = Field(default="", exclude_if=unsaid)
    where: str = Field(default="", exclude_if=unsaid)
    clash: Clashes | None = Field(default=None, exclude_if=unsaid)

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if not self.shortfalls and not self.told:
            raise ValueError("what is short, or what no plan can do, has to be said")
        return self
