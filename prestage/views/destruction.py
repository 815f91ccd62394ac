"""What a `destroy` would destroy, first and counted, and what would stay."""

from typing import TYPE_CHECKING

from prestage.views.paper import bad, dim, good, plural, table, title

if TYPE_CHECKING:
    from coordinator.destroy import Destruction


def destruction_text(found: "Destruction") -> str:
    """A line a resource, in the order in which they go; then what stays and why."""
    number = len(found.keys)
    verdict = bad(f"destroys {plural(number, 'resource')}") if number else good("nothing to destroy")
    lines = [f"{title(f'Destroy in {found.plan.environment}')}: {verdict}"]
    if number:
        lines.append(table([("-", key) for key in found.keys]))
    if found.kept:
        lines += [
            dim(f"  {plural(len(found.kept), 'resource')} would stay"),
            table(sorted(found.kept.items()), indent=4),
        ]
    return "\n".join(lines)
