"""What the Compute API fills in when something is made, by collection."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping

from tests.clouds.gcp_cloud import LINK, Json

Fill = Callable[[Json, int], Json]


def fingerprint(value: object) -> str:
    """What a change has to name, so that nobody changes what he has not seen."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:8]
    return base64.urlsafe_b64encode(digest).decode()


def public_address(number: int) -> str:
    """An address for documentation (RFC 5737)."""
    return f"203.0.113.{number % 250 + 1}"


def _network(body: Json, number: int) -> Json:
    return {"autoCreateSubnetworks": True, "routingConfig": {"routingMode": "REGIONAL"}, "mtu": 1460}


def _subnetwork(body: Json, number: int) -> Json:
    gateway = body["ipCidrRange"].split("/")[0].rsplit(".", 1)[0] + ".1"
    return {
        "gatewayAddress": gateway,
        "purpose": "PRIVATE",
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
        "fingerprint": fingerprint(number),
    }


def _address(body: Json, number: int) -> Json:
    return {
        "address": public_address(number),
        "addressType": "EXTERNAL",
        "networkTier": "PREMIUM",
        "status": "RESERVED",
    }


def _vpn_gateway(body: Json, number: int) -> Json:
    return {"vpnInterfaces": [{"id": id, "ipAddress": f"198.51.100.{(number + id) % 250 + 1}"} for id in range(2)]}


def _tunnel(body: Json, number: int) -> Json:
    """The secret is kept by its hash only."""
    hashed = hashlib.sha256(body.pop("sharedSecret").encode()).hexdigest()
    return {
        "sharedSecret": "*************",
        "sharedSecretHash": hashed,
        "status": "ESTABLISHED",
        "detailedStatus": "Tunnel is up and running.",
        "localTrafficSelector": ["0.0.0.0/0"],
        "remoteTrafficSelector": ["0.0.0.0/0"],
    }


def _attachment(body: Json, number: int) -> Json:
    return {
        "state": "PENDING_PARTNER",
        "operationalStatus": "OS_UNPROVISIONED",
        "pairingKey": f"{number:08x}-0000-4000-8000-000000000000/any/1",
        "adminEnabled": True,
    }


def _group(body: Json, number: int) -> Json:
    zones = body.get("distributionPolicy", {}).get("zones", [])
    return {
        "fingerprint": fingerprint(number),
        "instanceGroup": f"{LINK}projects/p/regions/r/instanceGroups/{body['name']}",
        "status": {"isStable": True, "versionTarget": {"isReached": True}},
        "distributionPolicy": {"zones": zones, "targetShape": "EVEN"},
        "currentActions": {"none": body.get("targetSize", 0)},
    }


def _autoscaler(body: Json, number: int) -> Json:
    body["autoscalingPolicy"] = {"coolDownPeriodSec": 60, "mode": "ON", **body["autoscalingPolicy"]}
    for schedule in body["autoscalingPolicy"].get("scalingSchedules", {}).values():
        schedule.setdefault("disabled", False)
    return {"status": "ACTIVE", "recommendedSize": body["autoscalingPolicy"].get("minNumReplicas", 0)}


def _disk(body: Json, number: int) -> Json:
    return {"status": "READY", "physicalBlockSizeBytes": "4096", "sizeGb": "500"}


def _firewall(body: Json, number: int) -> Json:
    return {"direction": "INGRESS", "priority": 1000, "disabled": False, "logConfig": {"enable": False}}


def _template(body: Json, number: int) -> Json:
    """Scheduling says everything, interfaces and disks bear names."""
    properties = body["properties"]
    spelled = {"automaticRestart": True, "preemptible": False, "onHostMaintenance": "MIGRATE"}
    properties["scheduling"] = {**spelled, **properties.get("scheduling", {})}
    for index, interface in enumerate(properties.get("networkInterfaces", ())):
        interface |= {"name": f"nic{index}"}
    for index, disk in enumerate(properties.get("disks", ())):
        disk.setdefault("deviceName", f"persistent-disk-{index}")
        disk |= {"index": index, "interface": "SCSI", "mode": "READ_WRITE", "type": "PERSISTENT"}
    return {}


def _reservation(body: Json, number: int) -> Json:
    return {"status": "READY"}


FILLED: Mapping[str, Fill] = {
    "networks": _network,
    "subnetworks": _subnetwork,
    "addresses": _address,
    "vpnGateways": _vpn_gateway,
    "vpnTunnels": _tunnel,
    "instanceTemplates": _template,
    "interconnectAttachments": _attachment,
    "instanceGroupManagers": _group,
    "autoscalers": _autoscaler,
    "disks": _disk,
    "firewalls": _firewall,
    "reservations": _reservation,
}
