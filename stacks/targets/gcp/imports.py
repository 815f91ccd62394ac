"""`import_id`: what an import calls a resource whose attributes are known."""

from collections.abc import Mapping

from stacks.declaration import Value


def import_id(type: str, attributes: Mapping[str, Value]) -> str:
    """The import id; the provider's own id but for the few types that are imported by another one."""
    found = {name: value for name, value in attributes.items() if isinstance(value, str)}
    match type:
        case "google_compute_network_peering":  # its id says neither project nor which network is whose
            project, network = _project_and_name(found["network"])
            return f"{project}/{network}/{found['name']}"
        case "google_storage_transfer_job":
            return f"{found['project']}/{found['name'].removeprefix('transferJobs/')}"
        case "google_dns_record_set" if "project" in found:
            return "/".join(found[name] for name in ("project", "managed_zone", "name", "type"))
        case _:
            return found["id"]


def _project_and_name(link: str) -> tuple[str, str]:
    """Project and name of a network by its link: `.../projects/P/global/networks/N`."""
    parts = link.split("/")
    return parts[parts.index("projects") + 1], parts[-1]
