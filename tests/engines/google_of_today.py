"""An engine whose Google provider is of 2021, and what that one does not know yet made beside it.

The rest is `as_of_3_60`'s: the provider that tests can build does it. Internal ranges, and the labels that a group
gives its instances, are written into the stand-in here, as today's provider would.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from contracts.ports import Progress
from contracts.run import RootRun
from stacks.declaration import Declaration, Value
from stacks.engines.engine import AppliedResource, Job, Observed, Preview, ProgramInfo
from stacks.engines.terraform_engine.engine import TerraformEngine
from tests.clouds.clouds_world import PROJECT
from tests.clouds.gcp_cloud import GoogleCloud
from tests.clouds.gcp_newer import as_of_3_60

RANGE, GROUP = "google_network_connectivity_internal_range", "google_compute_region_instance_group_manager"


@dataclass(kw_only=True)
class GoogleOfToday:
    """Runs a job by the engine, and the newer part of it by hand.

    Attributes:
        engine: with a provider of 2021.
        cloud: the stand-in that it works on.
        ranges: internal ranges that were made, by key.
    """

    engine: TerraformEngine
    cloud: GoogleCloud
    ranges: dict[str, Declaration] = field(default_factory=dict)

    def program(self) -> ProgramInfo:
        return self.engine.program()

    def preview(self, job: Job, progress: Progress) -> Preview:
        return self.engine.preview(as_of_3_60(job), progress)

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        outcomes = self.engine.apply(as_of_3_60(job), progress)
        declared = {item.key: item for items in job.roots.values() for item in items}
        for key, item in list(self.ranges.items()):
            if item.root in job.roots and key not in declared:
                self.cloud.resources.pop(_path(item), None)
                del self.ranges[key]
        for item in declared.values():
            self._make(item)
        return outcomes

    def observe(self, job: Job, progress: Progress) -> tuple[Observed, ...]:
        seen = self.engine.observe(as_of_3_60(job), progress)
        return (*seen, *self._ranges_of(job))

    def applied(self) -> Mapping[str, AppliedResource]:
        newer = {
            key: AppliedResource(type=RANGE, key=key, root=item.root, arguments=_known(item), id=_path(item))
            for key, item in self.ranges.items()
        }
        return {**self.engine.applied(), **newer}

    def _make(self, item: Declaration) -> None:
        if item.type == RANGE:
            arguments = _known(item)
            body = {"name": _path(item), "ipCidrRange": arguments["ip_cidr_range"], "labels": arguments["labels"]}
            self.cloud.resources[_path(item)] = body | {"description": arguments["description"], "network": "made"}
            self.ranges[item.key] = item
        elif item.type == GROUP:
            for path in self.cloud.find("instanceGroupManagers"):
                if path.endswith(f"/{item.arguments['name']}"):
                    self.cloud.change(path, allInstancesConfig={"properties": _known(item)["all_instances_config"]})

    def _ranges_of(self, job: Job) -> Iterator[Observed]:
        for key, item in self.ranges.items():
            if item.root in job.roots:
                live = _known(item) if _path(item) in self.cloud.resources else None
                wanted = _known(item)
                yield Observed(type=RANGE, key=key, root=item.root, last=wanted, live=live, wanted=wanted, action=None)


def _path(item: Declaration) -> str:
    return f"projects/{PROJECT}/locations/global/internalRanges/{item.arguments['name']}"


def _known(item: Declaration) -> Mapping[str, Value]:
    return item.resolved(lambda ref: "made")
