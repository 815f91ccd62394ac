"""The Compute API of the stand-in: what it refuses, what it fills in, and operations on networks one at a time."""

import copy
import hashlib
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network

from tests.clouds.gcp_cloud import LINK, ApiError, GoogleCloud, Json, Operation, linked, not_found, references
from tests.clouds.gcp_filled import FILLED, fingerprint
from tests.clouds.gcp_quotas import quotas_of, refuse_over_quota

KNOWN = (
    *("addresses", "autoscalers", "disks", "externalVpnGateways", "firewalls", "healthChecks", "instanceGroupManagers"),
    *("instanceTemplates", "interconnectAttachments", "networks", "regionCommitments", "commitments", "reservations"),
    *("routers", "subnetworks", "vpnGateways", "vpnTunnels", "snapshots", "routes"),
)
NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
WORKED_ON = "There is a peering operation in progress on the local or peer network. Try again later."
PAGE = 500


class Compute:
    """`answer` takes a path below `/compute/v1/`."""

    def __init__(self, cloud: GoogleCloud) -> None:
        self.cloud = cloud
        self.verbs: dict[str, Callable[[str, Json], Operation]] = {
            "addPeering": self._add_peering,
            "updatePeering": self._update_peering,
            "removePeering": self._remove_peering,
            "setLabels": self._set_labels,
            "resize": self._resize,
            "expandIpCidrRange": self._merge,
            "setPrivateIpGoogleAccess": self._merge,
        }

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        parts = path.split("/")
        if parts[0] != "projects" or len(parts) < 2:
            raise not_found(path)
        if len(parts) == 2:
            return {"kind": "compute#project", "name": parts[1], "quotas": quotas_of(self.cloud, "")}
        if parts[2] == "aggregated":
            return self._aggregated(parts[1], parts[3], query)
        scope, rest = ("/".join(parts[:3]), parts[3:]) if parts[2] == "global" else ("/".join(parts[:4]), parts[4:])
        if not rest:
            return self._place(parts)
        if rest[0] == "operations" and len(rest) > 1:
            return self._operation(scope, rest[1])
        return self._collection(method, scope, rest, query, body)

    def _collection(self, method: str, scope: str, rest: list[str], query: Json, body: Json) -> Json:
        path = "/".join([scope, *rest[:2]])
        if rest[0] in ("images", "diskTypes", "machineTypes"):  # Google's own: whatever is asked for is there
            return {"name": rest[-1], "selfLink": LINK + "/".join([scope, *rest])}
        if rest[0] not in KNOWN:
            raise not_found(path)
        if method == "GET":
            return self._listed(path, query) if len(rest) == 1 else copy.deepcopy(self._existing(path))
        if rest[2:] == ["listManagedInstances"]:
            return {"managedInstances": []}
        if rest == ["autoscalers"] and "autoscaler" in query:  # an update names it beside the path
            path, rest = f"{path}/{query['autoscaler']}", [*rest, query["autoscaler"]]
        if rest[2:] == ["resize"] and "size" in query:  # groups take it so, disks and reservations in the body
            body = {"targetSize": int(query["size"])}
        return self._shown(self._done(method, path, rest, linked(body)), scope)

    def _done(self, method: str, path: str, rest: list[str], body: Json) -> Operation:
        if (method, len(rest)) == ("POST", 1):
            return self._insert(path, body)
        if method == "POST" and rest[2] in self.verbs:
            return self.verbs[rest[2]](path, body)
        if method in ("PATCH", "PUT"):
            return self._merge(path, body)
        if method == "DELETE":
            return self._delete(path)
        raise ApiError(400, "invalid", f"{method} is nothing that {path} takes")

    def _insert(self, collection: str, body: Json) -> Operation:
        name = body.get("name", "")
        if not NAME.fullmatch(name):
            raise ApiError(400, "invalid", f"Invalid value for field 'resource.name': '{name}'")
        path = f"{collection}/{name}"
        if path in self.cloud.resources:
            raise ApiError(409, "alreadyExists", f"The resource '{path}' already exists")
        self._check_references(body)
        kind = collection.rpartition("/")[2]
        if kind == "subnetworks":
            self._check_ranges(body)
        refuse_over_quota(self.cloud, path, body)
        number = self.cloud.number()
        made = {"id": str(number), "selfLink": LINK + path, "creationTimestamp": "2026-11-21T00:00:00.000-08:00"}
        made |= {"labelFingerprint": fingerprint(body.get("labels", {}))}
        scope = collection.split("/")
        if scope[2] != "global":
            made[scope[2][:-1]] = LINK + "/".join(scope[:4])
        filled = FILLED[kind](body, number) if kind in FILLED else {}
        self.cloud.resources[path] = {**made, **filled, **body, **{n: filled[n] for n in filled if n.startswith("sha")}}
        self._scale(path)
        return self.cloud.began(path, "insert")

    def _merge(self, path: str, body: Json) -> Operation:
        found = self._changeable(path)
        if "fingerprint" in body and body["fingerprint"] != found.get("fingerprint"):
            raise ApiError(412, "conditionNotMet", "Invalid fingerprint.")
        self._check_references(body)
        if path.split("/")[-2] == "subnetworks":
            self._check_ranges({**found, **body}, path)
        found |= body
        self._scale(path)
        if "fingerprint" in found:
            found["fingerprint"] = fingerprint({name: found[name] for name in found if name != "fingerprint"})
        return self.cloud.began(path, "patch")

    def _delete(self, path: str) -> Operation:
        self._changeable(path)
        if user := next(self.cloud.users_of(path), None):
            text = f"The {path.split('/')[-2]} resource '{path}' is already being used by '{user}'"
            raise ApiError(400, "resourceInUseByAnotherResource", text)
        del self.cloud.resources[path]
        return self.cloud.began(path, "delete")

    def _set_labels(self, path: str, body: Json) -> Operation:
        found = self._changeable(path)
        if body.get("labelFingerprint") != found["labelFingerprint"]:
            raise ApiError(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")
        labels = body.get("labels", {})
        found |= {"labels": labels, "labelFingerprint": fingerprint(labels)}
        return self.cloud.began(path, "setLabels")

    def _resize(self, path: str, body: Json) -> Operation:
        found = self._changeable(path)
        if "sizeGb" in body and int(body["sizeGb"]) < int(found["sizeGb"]):
            raise ApiError(400, "invalid", "Disk size cannot be decreased")
        if "specificSkuCount" in body:
            found["specificReservation"]["count"] = str(body["specificSkuCount"])
        if any(item["target"] == LINK + path for item in self.cloud.find("autoscalers").values()):
            raise ApiError(400, "invalid", "Resizing of autoscaled regional managed instance groups is not allowed")
        refuse_over_quota(self.cloud, path, {**found, **body})
        found |= body
        return self.cloud.began(path, "resize")

    def _scale(self, path: str) -> None:
        """An autoscaler makes its group as small as it may be: no schedule is in force here, and nobody is busy."""
        if path.split("/")[-2] == "autoscalers":
            found = self.cloud.resources[path]
            group = self._existing(found["target"].removeprefix(LINK))
            group["targetSize"] = found["autoscalingPolicy"]["minNumReplicas"]

    def _add_peering(self, path: str, body: Json) -> Operation:
        found, peering = self._network(path, body)
        there = found.setdefault("peerings", [])
        if any(item["name"] == peering["name"] for item in there):
            raise ApiError(409, "alreadyExists", f"The peering '{peering['name']}' already exists")
        peer = peering["network"].removeprefix(LINK)
        mine, theirs = (set(self._ranges(network)) for network in (path, peer))
        if any(one.overlaps(other) for one in mine for other in theirs):
            raise ApiError(400, "invalid", "An IP range in the local network overlaps with one in the peer network")
        there.append({"exchangeSubnetRoutes": True, **peering})
        self._settle_peerings(path, peer)
        return self.cloud.began(path, "addPeering", networks=frozenset((path, peer)))

    def _update_peering(self, path: str, body: Json) -> Operation:
        found, peering = self._network(path, body)
        (held,) = [item for item in found.get("peerings", []) if item["name"] == peering["name"]]
        held |= peering
        return self.cloud.began(path, "updatePeering", networks=frozenset((path, held["network"].removeprefix(LINK))))

    def _remove_peering(self, path: str, body: Json) -> Operation:
        found = self._existing(path)
        held = [item for item in found.get("peerings", []) if item["name"] == body["name"]]
        if not held:
            raise not_found(f"{path}/peerings/{body['name']}")
        peer = held[0]["network"].removeprefix(LINK)
        self._refuse_busy(path, peer)
        found["peerings"].remove(held[0])
        self._settle_peerings(path, peer)
        return self.cloud.began(path, "removePeering", networks=frozenset((path, peer)))

    def _network(self, path: str, body: Json) -> tuple[Json, Json]:
        found, peering = self._existing(path), body["networkPeering"]
        peer = peering["network"].removeprefix(LINK)
        self._existing(peer)
        self._refuse_busy(path, peer)
        return found, peering

    def _refuse_busy(self, *networks: str) -> None:
        if any(operation.networks.intersection(networks) for operation in self.cloud.under_way()):
            raise ApiError(400, "badRequest", WORKED_ON)
        for network in networks:
            self.cloud.refuse_unready(network)

    def _settle_peerings(self, *paths: str) -> None:
        """A peering is active once both ends have it."""
        for path, peer in (paths, paths[::-1]):
            back = {item["network"] for item in self.cloud.resources.get(peer, {}).get("peerings", [])}
            for item in self.cloud.resources.get(path, {}).get("peerings", []):
                if item["network"] == LINK + peer:
                    item["state"] = "ACTIVE" if LINK + path in back else "INACTIVE"
                    item["stateDetails"] = "Connected." if LINK + path in back else "Waiting for peer network."

    def _check_references(self, body: Json) -> None:
        for path in references(body):
            if path.split("/")[4 if path.split("/")[2] != "global" else 3] in KNOWN:
                self._existing(path)
                self.cloud.refuse_unready(path)

    def _check_ranges(self, body: Json, path: str = "") -> None:
        mine = list(_ranges_of(body))
        others = self._ranges(body["network"].removeprefix(LINK), but=path)
        clash = next((one for one in mine for other in others if one.overlaps(other)), None)
        if clash or any(one.overlaps(other) for one in mine for other in mine if one is not other):
            raise ApiError(400, "invalid", f"Invalid IPCidrRange: {clash or mine} conflicts with existing subnetwork")

    def _ranges(self, network: str, but: str = "") -> list[IPv4Network]:
        subnetworks = self.cloud.find("subnetworks").items()
        there = [body for path, body in subnetworks if path != but and body["network"] == LINK + network]
        return [found for body in there for found in _ranges_of(body)]

    def _existing(self, path: str) -> Json:
        if path not in self.cloud.resources:
            raise not_found(path)
        return self.cloud.resources[path]

    def _changeable(self, path: str) -> Json:
        found = self._existing(path)
        self.cloud.refuse_unready(path)
        return found

    def _operation(self, scope: str, name: str) -> Json:
        return self._shown(self.cloud.polled(name), scope)

    def _shown(self, operation: Operation, scope: str) -> Json:
        status = "DONE" if operation.done else "RUNNING" if operation.polls else "PENDING"
        found: Json = {
            "kind": "compute#operation",
            "id": str(int(hashlib.sha256(operation.name.encode()).hexdigest()[:12], 16)),
            "name": operation.name,
            "operationType": operation.kind,
            "targetLink": LINK + operation.target,
            "status": status,
            "progress": {"PENDING": 0, "RUNNING": 50, "DONE": 100}[status],
            "selfLink": f"{LINK}{scope}/operations/{operation.name}",
        }
        parts = scope.split("/")
        if parts[2] != "global":
            found[parts[2][:-1]] = LINK + scope
        return found | ({"error": operation.error} if operation.done and operation.error else {})

    def _listed(self, collection: str, query: Json) -> Json:
        paths = [path for path in self.cloud.resources if path.rpartition("/")[0] == collection]
        bodies = [body for body in (self.cloud.resources[path] for path in sorted(paths)) if _wanted(body, query)]
        start = int(query.get("pageToken", 0))
        end = start + int(query.get("maxResults", PAGE))
        return {"items": copy.deepcopy(bodies[start:end])} | ({"nextPageToken": str(end)} if end < len(bodies) else {})

    def _aggregated(self, project: str, collection: str, query: Json) -> Json:
        items: Json = {}
        for path, body in sorted(self.cloud.find(collection).items()):
            parts = path.split("/")
            if parts[1] == project and _wanted(body, query):
                scope = "global" if parts[2] == "global" else "/".join(parts[2:4])
                items.setdefault(scope, {}).setdefault(collection, []).append(copy.deepcopy(body))
        return {"items": items}

    def _place(self, parts: list[str]) -> Json:
        if len(parts) < 4:
            raise not_found("/".join(parts))
        region = parts[3] if parts[2] == "regions" else parts[3].rpartition("-")[0]
        found: Json = {"name": parts[3], "status": "UP", "selfLink": LINK + "/".join(parts)}
        return found | ({"quotas": quotas_of(self.cloud, region)} if parts[2] == "regions" else {})


def _ranges_of(body: Json) -> Iterator[IPv4Network]:
    yield IPv4Network(body["ipCidrRange"])
    yield from (IPv4Network(item["ipCidrRange"]) for item in body.get("secondaryIpRanges") or ())


def _wanted(body: Json, query: Json) -> bool:
    """Whether a list's filter lets it through: `labels.a=b`, `labels.a:*`, several joined by AND."""
    for term in filter(None, query.get("filter", "").replace("(", "").replace(")", "").split(" AND ")):
        found = re.fullmatch(r'\s*([\w.-]+)\s*(=|:|eq)\s*"?([^"]*)"?\s*', term)
        if found is None:
            raise ApiError(400, "invalid", f"Invalid value for field 'filter': '{term}'")
        name, _, value = found.groups()
        held = body.get("labels", {}).get(name[7:]) if name.startswith("labels.") else body.get(name)
        if held is None or (value != "*" and held != value):
            return False
    return True
