"""Which roots have a state in the environment's bucket. The only place where this engine asks a cloud itself.

Terraform lists no states but those of one root's workspaces, and a run on a fresh machine has to find them all, those
made on demand too.
"""

from contracts.accounts import Account, TargetName
from contracts.engines import Backend, BackendKind
from stacks.engines.terraform_engine.backends import StatePlace


def state_names(place: StatePlace) -> tuple[str, ...]:
    """Roots whose state lies in the bucket, sorted.

    Raises:
        CloudError: the bucket does not answer, or credentials are missing.
    """
    names = _in_s3(place) if place.backend.kind is BackendKind.S3 else _in_gcs(place)
    return tuple(sorted(root for name in names if (root := place.root_named(name))))


def _in_s3(place: StatePlace) -> list[str]:
    from stacks.clouds.aws.session import aws_clients

    clients = aws_clients(_account(place.backend, TargetName.AWS), place.backend.location)
    rows = clients.listing(
        "s3", "list_objects_v2", "Contents[].{name: Key}", Bucket=place.backend.bucket, Prefix=place.folder
    )
    return [str(row["name"]) for row in rows if row]


def _in_gcs(place: StatePlace) -> list[str]:
    from stacks.clouds.gcp.session import gcp_session

    session = gcp_session(_account(place.backend, TargetName.GCP))
    return [str(row["name"]) for row in session.listing("storage", f"b/{place.backend.bucket}/o", prefix=place.folder)]


def _account(backend: Backend, target: TargetName) -> Account:
    """Whoever runs it, as the engine's own backend takes credentials."""
    return Account(name="backend", target=target, id="backend", endpoint=backend.endpoint)
