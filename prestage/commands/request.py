"""`prestage request`: peering and addresses, answered out of what is staged, else on demand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.requests import checked, new_id
from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from contracts.requests import AddressRequest, Decision, PeeringRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PeeringArguments:
    """What a customer asks of the joining of two regions."""

    customer: str
    source: str
    destination: str
    vcpu: float
    memory_gib: float
    storage_gib: float
    gbps: float
    prefix_length: int
    hours: float
    priority: int
    id: str | None

    def request(self) -> "PeeringRequest":
        """As the coordinator wants it."""
        from contracts.requests import PeeringRequest, Requirements

        needs = Requirements(
            vcpu=self.vcpu,
            memory_gib=self.memory_gib,
            storage_gib=self.storage_gib,
            gbps=self.gbps,
            prefix_length=self.prefix_length,
        )
        return PeeringRequest(
            id=self.id or new_id(),
            customer=self.customer,
            source=self.source,
            destination=self.destination,
            requirements=needs,
            duration_hours=self.hours,
            priority=self.priority,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressArguments:
    """What a customer asks of a region's addresses."""

    customer: str
    region: str
    prefix_length: int
    bid: float
    gbps: float
    horizon: int
    hours: float
    priority: int
    id: str | None

    def request(self) -> "AddressRequest":
        """As the coordinator wants it."""
        from contracts.requests import AddressRequest

        return AddressRequest(
            id=self.id or new_id(),
            customer=self.customer,
            region=self.region,
            prefix_length=self.prefix_length,
            bid_usd_per_hour=self.bid,
            expected_gbps=self.gbps,
            horizon_hours=self.horizon,
            duration_hours=self.hours,
            priority=self.priority,
        )


PEERING_EXAMPLES = (
    "prestage request peering --customer acme --from fra --to nyc --vcpu 4 --memory-gib 16 --gbps 0.5",
    "prestage request peering --id acme-7 --customer acme --from lon --to nyc --gbps 1 --hours 12 --json",
    "",
    "The same --id always gets the same answer, so that a client may repeat it. Exit code 7: refused.",
)
ADDRESS_EXAMPLES = (
    "prestage request address --customer acme --region fra --prefix-length 28 --bid 0.02",
    "prestage request address --customer acme --region nyc --prefix-length 26 --gbps 2 --hours 48",
)


@click.group(epilog=examples(PEERING_EXAMPLES[0], ADDRESS_EXAMPLES[0]))
def command() -> None:
    """Ask for a peering or for addresses."""


@command.command("peering", epilog=examples(*PEERING_EXAMPLES))
@click.option("--customer", required=True, help="Who asks.")
@click.option("--from", "source", required=True, metavar="REGION", help="Region that is to be joined.")
@click.option("--to", "destination", required=True, metavar="REGION", help="Region where the resources stand.")
@click.option("--vcpu", type=float, default=0.0, help="vCPUs in the destination.")
@click.option("--memory-gib", type=float, default=0.0, help="GiB of memory in the destination.")
@click.option("--storage-gib", type=float, default=0.0, help="GiB of storage in the destination.")
@click.option("--gbps", type=float, default=0.0, help="Bandwidth between the two.")
@click.option("--prefix-length", type=int, default=0, help="A block of addresses this long; 0: none.")
@click.option("--hours", type=float, default=24.0, show_default=True, help="For how long.")
@click.option("--priority", type=int, default=0, show_default=True, help="0 to 9; 9 is first.")
@click.option("--id", help="The request's id; made up when left out.")
@scoped(PeeringArguments)
def peering(scope: Scope, options: PeeringArguments) -> int:
    """Ask for two regions to be joined: staged resources first, else on demand."""
    request = checked(options.request)

    from coordinator.peering import answer_peering
    from prestage.projects import open_project

    with open_project(scope) as project:
        return _show(scope, answer_peering(project, request))


@command.command("address", epilog=examples(*ADDRESS_EXAMPLES))
@click.option("--customer", required=True, help="Who asks.")
@click.option("--region", required=True, help="Region of the addresses.")
@click.option("--prefix-length", type=int, required=True, help="Length of the block's prefix, e.g. 28.")
@click.option("--bid", type=float, default=0.0, help="USD per hour offered for each address.")
@click.option("--gbps", type=float, default=0.0, help="Traffic that the block is expected to carry.")
@click.option("--horizon", type=int, default=24, show_default=True, help="Hours ahead to forecast traffic for.")
@click.option("--hours", type=float, default=24.0, show_default=True, help="For how long.")
@click.option("--priority", type=int, default=0, show_default=True, help="0 to 9; 9 is first.")
@click.option("--id", help="The request's id; made up when left out.")
@scoped(AddressArguments)
def address(scope: Scope, options: AddressArguments) -> int:
    """Ask for an address block: scored, then staged blocks first, else the region's pool."""
    request = checked(options.request)

    from coordinator.addresses import answer_addresses
    from prestage.projects import open_project

    with open_project(scope) as project:
        return _show(scope, answer_addresses(project, request))


def _show(scope: Scope, decision: "Decision") -> int:
    from contracts.requests import Outcome
    from prestage.views.runs import decision_text

    scope.answer(decision, lambda: decision_text(decision))
    return ExitCode.UNMET if decision.outcome is Outcome.REFUSED else ExitCode.CLEAN
