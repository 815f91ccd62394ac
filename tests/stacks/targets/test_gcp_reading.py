"""What is read back from Google Cloud: what stands for nothing, and what an import calls a resource."""

import pytest

from stacks.errors import InvalidArgument
from stacks.targets import gcp


@pytest.mark.parametrize(
    ("type", "key", "arguments", "told"),
    [
        ("google_compute_address", "bel/network/address", {}, "stands for no resource"),
        ("google_compute_network", "bel/network", {"description": "made by hand"}, "asn"),
        ("google_compute_region_instance_group_manager", "bel/compute/x", {"target_size": 2}, "all_instances_config"),
    ],
)
def test_what_stands_for_nothing_is_told(type, key, arguments, told):
    with pytest.raises(InvalidArgument, match=told):
        gcp.undeclare(type, key, arguments)


@pytest.mark.parametrize(
    ("type", "attributes", "id"),
    [
        ("google_compute_network", {"id": "projects/p/global/networks/n", "name": "n"}, "projects/p/global/networks/n"),
        (
            "google_compute_network_peering",
            {
                "id": "n/peer",
                "name": "peer",
                "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/n",
            },
            "p/n/peer",
        ),
        ("google_storage_transfer_job", {"id": "transferJobs/7", "name": "transferJobs/7", "project": "p"}, "p/7"),
        (
            "google_dns_record_set",
            {"id": "zone/a.b./A", "project": "p", "managed_zone": "zone", "name": "a.b.", "type": "A"},
            "p/zone/a.b./A",
        ),
    ],
)
def test_what_an_import_calls_it(type, attributes, id):
    assert gcp.import_id(type, attributes) == id
