"""Where the states of an environment's roots lie: beside them, or in a bucket, each root by a name of its own. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.engines import Backend, BackendKind
from stacks.errors import InvalidArgument

Json = Mapping[str, object]
LOCAL_STATE = "terraform.tfstate"
SUFFIX = ".tfstate"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePlace:
    """The states of one environment.

    Attributes:
        backend: as the environment says.
        environment: its name: several may share a bucket.
    """

    backend: Backend = field(default_factory=Backend)
    environment: str = ""

    @property
    def remote(self) -> bool:
        """Whether they lie in a bucket: then roots have to be initialised, and states are pulled."""
        return self.backend.kind is not BackendKind.LOCAL

    @property
    def folder(self) -> str:
        """What the names of all states in the bucket begin with."""
        return "/".join(part for part in (self.backend.prefix.strip("/"), self.environment) if part) + "/"

    def block(self, root: str) -> Json:
        """The `backend` block of a root; empty where the state lies beside it.

        Raises:
            InvalidArgument: Terraform has no such backend, or the bucket is not named.
        """
        return {self.backend.kind.value: self._settings(root)} if self.remote else {}

    def reading(self, root: str) -> Json:
        """What a `terraform_remote_state` of another root is told to read this root's state."""
        if not self.remote:
            return {"backend": "local", "config": {"path": f"../{root}/{LOCAL_STATE}"}}
        settings = {name: value for name, value in self._settings(root).items() if name != "use_lockfile"}
        return {"backend": self.backend.kind.value, "config": settings}

    def root_named(self, name: str) -> str:
        """The root whose state an object of the bucket is; empty where it is none of ours."""
        inside = name.removeprefix(self.folder)
        if self.backend.kind is BackendKind.GCS:
            inside = inside.removesuffix(f"/default{SUFFIX}") + SUFFIX
        return inside.removesuffix(SUFFIX) if inside.endswith(SUFFIX) and "/" not in inside else ""

    def _settings(self, root: str) -> Json:
        backend = self.backend
        if backend.kind not in (BackendKind.S3, BackendKind.GCS):
            raise InvalidArgument(
                f"Terraform keeps no state in {backend.kind.value}",
                where=f"environment {self.environment}, backend",
                expected="local, s3 or gcs",
            )
        if not backend.bucket:
            raise InvalidArgument("the backend names no bucket", where=f"environment {self.environment}, backend")
        return self._s3(root) if backend.kind is BackendKind.S3 else self._gcs(root)

    def _s3(self, root: str) -> Json:
        backend = self.backend
        settings: dict[str, object] = {
            "bucket": backend.bucket,
            "key": f"{self.folder}{root}{SUFFIX}",
            "region": backend.location,
            "use_lockfile": True,
        }
        if backend.endpoint:  # nobody there answers what the cloud's own login services would
            settings |= {
                "endpoints": {"s3": backend.endpoint, "sts": backend.endpoint, "iam": backend.endpoint},
                "use_path_style": True,
                "skip_credentials_validation": True,
                "skip_metadata_api_check": True,
                "skip_region_validation": True,
                "skip_requesting_account_id": True,
            }
        return settings

    def _gcs(self, root: str) -> Json:
        settings = {"bucket": self.backend.bucket, "prefix": f"{self.folder}{root}"}
        if self.backend.endpoint:
            settings["storage_custom_endpoint"] = f"{self.backend.endpoint.rstrip('/')}/storage/v1/"
        return settings


BESIDE = StatePlace()
"""Each state in its root's folder."""
