"""A project whose regions lie in clouds, for tests that drive the real Pulumi with the recording provider behind it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pytest

from contracts.engines import Backend, EngineName, Layout
from contracts.environment import Environment
from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.declaration import Argument, Declaration, Lifecycle, Ref
from stacks.engines.engine import Action, Adoption, Job, Observed
from stacks.engines.pulumi_engine.engine import PulumiEngine
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.targets.declare import by_root, declare, providers
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.clouds.recorded_world import RecordedWorld
from tests.clouds.recording_provider import serve_recording

ROOT = Path(__file__).parents[2]
REGIONS = ("fra", "dub", "bel")
ROOTS = (*REGIONS, "links")
CHILD = """
import sys
from pathlib import Path
from contracts.environment import Environment
from contracts.ports import Silent
from tests.clouds.recording_provider import serve_recording
from tests.engines.pulumi_clouds import many, open_cloud_project
project = open_cloud_project(Path(sys.argv[1]), Environment.model_validate_json(sys.argv[2]))
with serve_recording(Path(sys.argv[3])):
    project.engine.apply(project.job(many()), Silent())
"""


@dataclass(frozen=True, kw_only=True)
class CloudProject:
    """A project's folder and the engine in charge of it."""

    folder: Path
    environment: Environment
    engine: PulumiEngine

    def job(
        self,
        declarations: Iterable[Declaration],
        roots: Iterable[str] = ROOTS,
        adopt: Mapping[str, str] = MappingProxyType({}),
    ) -> Job:
        declared = by_root(declarations)
        return Job(
            environment=self.environment.name,
            roots={root: declared.get(root, ()) for root in roots},
            providers=providers(self.environment),
            adopt=tuple(Adoption(key=key, id=id) for key, id in adopt.items()),
        )

    def apply(self, declarations, **more) -> Mapping[str, RunStatus]:
        return {run.root: run.status for run in self.engine.apply(self.job(declarations, **more), Silent())}

    def planned(self, declarations, **more) -> Mapping[str, Action]:
        """What a preview says of every key that it does something to."""
        shown = self.engine.preview(self.job(declarations, **more), Silent())
        return {key: action for root in shown.roots for key, action in root.actions.items()}

    def observed(self, declarations: Iterable[Declaration], **more) -> Mapping[str, Observed]:
        return {item.key: item for item in self.engine.observe(self.job(declarations, **more), Silent())}


def make_cloud_project(folder: Path, *, layout: Layout = Layout.REGION, backend: Backend | None = None) -> CloudProject:
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1").model_copy(
        update={"engine": EngineName.PULUMI, "layout": layout, "backend": backend or Backend()}
    )
    return open_cloud_project(folder, environment)


def open_cloud_project(folder: Path, environment: Environment) -> CloudProject:
    state = folder / environment.state_dir
    state.mkdir(parents=True, exist_ok=True)
    workspace = PulumiWorkspace(folder=folder, environment=environment, inventory=state / "estate.db", state=state)
    return CloudProject(folder=folder, environment=environment, engine=PulumiEngine(workspace))


def declare_all(environment: Environment) -> tuple[Declaration, ...]:
    """One of each kind wherever it can be in a cloud."""
    declared = declare(every_kind_of(environment), environment)
    return tuple(item for item in declared if item.provider != "estate" and not _leans_on_premises(item))


def _leans_on_premises(item: Declaration) -> bool:
    return any(ref.key.startswith("ams") for ref in item.refs())


def declaration(type, key, root, arguments, **more) -> Declaration:
    provider = root if root in REGIONS else "fra"
    return Declaration(type=type, key=key, root=root, arguments=arguments, provider=provider, **more)


def vpc(region, cidr, **more) -> Declaration:
    key = f"{region}/network"
    tags = {"prestage:key": key, "Name": "aPlainName"}
    arguments = {"cidr_block": cidr, "tags": tags}
    return declaration("aws_vpc", key, region, arguments, exports=("id",), **more)


def subnet(number, *, cidr="", **more) -> Declaration:
    arguments = {"vpc_id": Ref(key="fra/network"), "cidr_block": cidr or f"10.0.{number}.0/24"}
    return declaration("aws_subnet", f"fra/network/subnet-{number:03d}", "fra", arguments, **more)


def few() -> list[Declaration]:
    """Two clouds, three regions, and a link between two of them."""
    group: dict[str, Argument] = {
        "min_size": 1,
        "max_size": 2,
        "desired_capacity": 1,
        "tag": ({"key": "prestage:key", "value": "fra/compute/x", "propagate_at_launch": True},),
        "mixed_instances_policy": {
            "launch_template": {
                "launch_template_specification": {"launch_template_id": "lt-1"},
                "override": ({"instance_type": "m6i.large"}, {"instance_type": "m6i.xlarge"}),
            }
        },
    }
    gateway: dict[str, Argument] = {"name": "v", "network": Ref(key="bel/network", attribute="self_link")}
    customer: dict[str, Argument] = {
        "bgp_asn": "65000",
        "type": "ipsec.1",
        "ip_address": Ref(key="bel/network/vpn", attribute="vpn_interfaces.1.ip_address", root="bel"),
    }
    peering: dict[str, Argument] = {
        "vpc_id": Ref(key="fra/network", root="fra"),
        "peer_vpc_id": Ref(key="dub/network", root="dub"),
        "peer_region": "eu-west-1",
    }
    return [
        vpc("fra", "10.0.0.0/16"),
        subnet(1),
        declaration(
            "aws_autoscaling_group", "fra/compute/x", "fra", group, lifecycle=Lifecycle(ignore=("desired_capacity",))
        ),
        vpc("dub", "10.1.0.0/16"),
        declaration("google_compute_network", "bel/network", "bel", {"name": "n", "auto_create_subnetworks": False}),
        declaration(
            "google_compute_ha_vpn_gateway", "bel/network/vpn", "bel", gateway, exports=("vpn_interfaces.1.ip_address",)
        ),
        declaration("aws_vpc_peering_connection", "dub--fra/link", "links", peering),
        declaration("aws_customer_gateway", "bel--fra/link/fra/gateway", "links", customer),
    ]


def many() -> list[Declaration]:
    """Enough for an apply that is stopped half way."""
    return [*few(), *(subnet(number) for number in range(2, 32))]


def stop_apply(project: CloudProject, world: RecordedWorld, *, at: int, number: signal.Signals) -> None:
    """An apply of many in a process of its own, which gets a signal when so many resources are there."""
    world.slow_down(0.1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PULUMI_DEBUG_PROVIDERS")
    written = project.environment.model_dump_json()
    words = [sys.executable, "-W", "ignore", "-c", CHILD, str(project.folder), written, str(world.folder)]
    with subprocess.Popen(words, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while len(world.rows()) < at:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.005)
        process.send_signal(number)
        process.wait(60)


def changed(declarations: Iterable[Declaration], key: str, **arguments: Argument) -> list[Declaration]:
    """The same, with other arguments for one."""
    return [
        replace(item, arguments={**item.arguments, **arguments}) if item.key == key else item for item in declarations
    ]


def without(declarations: Iterable[Declaration], *keys: str) -> list[Declaration]:
    return [item for item in declarations if item.key not in keys]


@pytest.fixture
def layout():
    return Layout.REGION


@pytest.fixture
def project(tmp_path, layout):
    return make_cloud_project(tmp_path, layout=layout)


@pytest.fixture
def world(tmp_path):
    with serve_recording(tmp_path / "world") as served:
        yield served
