"""What customers who are promised the most announced of regions: it stays there, whatever else may be served elsewhere.

Read only where the environment lets demand move; `forecaster` merges the same file with what history says.
"""

from pathlib import Path

from contracts.capacity import CapacityKind
from contracts.customers import Customers, ServiceLevel
from contracts.environment import Environment
from contracts.preference import BoundUse
from contracts.series import SeriesKind
from contracts.yaml_files import read_yaml_document
from forecaster.customers import check_customers
from forecaster.units import measure_of
from planner.preference import may_move

KINDS = {SeriesKind.CPU: CapacityKind.VCPU, SeriesKind.MEMORY: CapacityKind.MEMORY_GIB}


def bound_uses(folder: Path, environment: Environment) -> tuple[BoundUse, ...]:
    """Announced use of vCPUs and memory by customers of service level `critical`; none where nothing may move.

    Raises:
        DocumentError: the file is malformed.
        UnknownPlace: a region that is not the environment's.
        UnitUnclear: a unit that is not the series'.
    """
    path = folder / environment.customers
    if not may_move(environment) or not path.exists():
        return ()
    customers = read_yaml_document(Customers, path)
    check_customers(customers, (region.name for region in environment.regions), path.name)
    return tuple(
        BoundUse(
            customer=customer.name,
            region=use.subject,
            kind=KINDS[use.kind],
            value=use.value * measure_of(use.kind, use.unit, where=path.name).factor,
            start=use.start or customer.start,
            end=use.end or customer.end,
        )
        for customer in customers.customers
        if customer.service_level is ServiceLevel.CRITICAL
        for use in customer.use
        if use.kind in KINDS
    )
