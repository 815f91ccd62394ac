"""`prestage hold`: staged units reserved for a customer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from coordinator.hold import HoldRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOptions:
    """What is held, for whom, for how long."""

    customer: str
    region: str
    source: str | None
    vcpu: float
    memory_gib: float
    storage_gib: float
    gbps: float
    prefix_length: int
    hours: float
    priority: int
    id: str | None

    def request(self) -> "HoldRequest":
        """As the coordinator wants it."""
        from contracts.requests import Requirements
        from coordinator.hold import HoldRequest

        needs = Requirements(
            vcpu=self.vcpu,
            memory_gib=self.memory_gib,
            storage_gib=self.storage_gib,
            gbps=self.gbps,
            prefix_length=self.prefix_length,
        )
        return HoldRequest(
            customer=self.customer,
            region=self.region,
            source=self.source,
            requirements=needs,
            hours=self.hours,
            priority=self.priority,
            id=self.id,
        )


@click.command(
    epilog=examples(
        "prestage hold --customer acme --region nyc --vcpu 4 --memory-gib 16 --hours 24",
        "prestage hold --customer acme --region nyc --from fra --gbps 1 --prefix-length 28",
        "",
        "The customer's own requests are answered out of the hold first. Exit code 7: not enough is staged.",
    )
)
@click.option("--customer", required=True, help="For whom.")
@click.option("--region", required=True, help="Where.")
@click.option("--from", "source", metavar="REGION", help="Other end of the link that bandwidth is held on.")
@click.option("--vcpu", type=float, default=0.0, help="vCPUs.")
@click.option("--memory-gib", type=float, default=0.0, help="GiB of memory.")
@click.option("--storage-gib", type=float, default=0.0, help="GiB of storage.")
@click.option("--gbps", type=float, default=0.0, help="Bandwidth on the link.")
@click.option("--prefix-length", type=int, default=0, help="A block of addresses this long; 0: none.")
@click.option("--hours", type=float, default=24.0, show_default=True, help="For how long.")
@click.option("--priority", type=int, default=0, show_default=True, help="0 to 9; 9 is first.")
@click.option("--id", help="The hold's id; made up when left out.")
@scoped(HoldOptions)
def command(scope: Scope, options: HoldOptions) -> int:
    """Reserve staged units for a customer until a time."""
    from coordinator.hold import hold
    from prestage.projects import open_project
    from prestage.requests import checked
    from prestage.views.holds import hold_document, hold_text

    request = checked(options.request)
    with open_project(scope) as project:
        held = hold(project, request)
    scope.answer(hold_document(held), lambda: hold_text(held))
    return ExitCode.UNMET if held.missing else ExitCode.CLEAN
