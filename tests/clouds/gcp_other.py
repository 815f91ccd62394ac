"""The smaller APIs of the stand-in: DNS, Storage, Monitoring, Storage Transfer, Network Connectivity."""

import copy
import re
from dataclasses import dataclass
from ipaddress import IPv4Network

from tests.clouds.gcp_cloud import ApiError, GoogleCloud, Json, not_found
from tests.clouds.gcp_objects import Objects, Raw


@dataclass(frozen=True)
class _Api:
    """An API without operations: what is asked for is done at once."""

    cloud: GoogleCloud

    def made(self, path: str, body: Json) -> Json:
        if path in self.cloud.resources:
            raise ApiError(409, "conflict", f"'{path}' already exists")
        self.cloud.resources[path] = body
        return copy.deepcopy(body)

    def existing(self, path: str) -> Json:
        if path not in self.cloud.resources:
            raise not_found(path)
        return self.cloud.resources[path]

    def merged(self, path: str, body: Json) -> Json:
        found = self.existing(path)
        found |= body
        return copy.deepcopy(found)

    def gone(self, path: str) -> Json:
        self.existing(path)
        del self.cloud.resources[path]
        return {}

    def below(self, collection: str) -> list[Json]:
        paths = sorted(path for path in self.cloud.resources if path.rpartition("/")[0] == collection)
        return [copy.deepcopy(self.cloud.resources[path]) for path in paths]


class Storage(_Api):
    """Buckets: names are everyone's, a change may name the metageneration that it saw."""

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json | Raw:
        parts = path.split("/")
        if parts == ["b"] and method == "POST":
            return self.made(f"b/{body['name']}", _access(self._filled(body)))
        if parts == ["b"]:
            wanted = query.get("project", "")
            return {"items": [item for item in self.below("b") if item["_project"] == wanted or not wanted]}
        if parts[2:3] == ["o"]:
            self.existing(f"b/{parts[1]}")
            return self._objects(method, parts[1], "/".join(parts[3:]), query, body)
        if len(parts) != 2 or parts[0] != "b":
            raise not_found(path)
        if method in ("PATCH", "PUT"):
            return self._changed(path, query, body)
        return self.gone(path) if method == "DELETE" else copy.deepcopy(self.existing(path))

    def _objects(self, method: str, bucket: str, name: str, query: Json, body: Json) -> Json | Raw:
        objects = Objects(self.cloud)
        if found := re.fullmatch(r"(.+)/rewriteTo/b/([^/]+)/o/(.+)", name):
            return objects.copy(bucket, *found.groups())
        if method == "POST":
            return objects.upload(bucket, query, body["raw"], body["type"])
        return objects.answer(method, bucket, name, query) if name else objects.listed(bucket, query)

    def _filled(self, body: Json) -> Json:
        number = self.cloud.number()
        return {
            "kind": "storage#bucket",
            "id": body["name"],
            "selfLink": f"https://www.googleapis.com/storage/v1/b/{body['name']}",
            "projectNumber": str(number),
            "metageneration": "1",
            "_project": "prestage-test",
            "storageClass": "STANDARD",
            **body,
        }

    def _changed(self, path: str, query: Json, body: Json) -> Json:
        found = self.existing(path)
        if query.get("ifMetagenerationMatch", found["metageneration"]) != found["metageneration"]:
            raise ApiError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
        held = {**found.get("labels", {}), **body.pop("labels", {})}
        found |= {**body, "metageneration": str(int(found["metageneration"]) + 1)}
        found["labels"] = {name: value for name, value in held.items() if value is not None}
        return copy.deepcopy(_access(found))


def _access(bucket: Json) -> Json:
    """Google still says uniform access by its former name, too."""
    configuration = bucket.setdefault("iamConfiguration", {})
    configuration["bucketPolicyOnly"] = configuration.setdefault("uniformBucketLevelAccess", {"enabled": False})
    return bucket


class Dns(_Api):
    """Record sets, changed by additions and deletions that have to be what is there."""

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        parts = path.split("/")  # projects/P/managedZones/Z/...
        if len(parts) < 4:
            return {"managedZones": [{"name": name, "dnsName": domain} for name, domain in self.cloud.zones.items()]}
        if parts[3] not in self.cloud.zones:
            raise not_found(f"managedZones/{parts[3]}")
        if len(parts) == 4:
            return {"name": parts[3], "dnsName": self.cloud.zones[parts[3]]}
        zone = "/".join([*parts[:4], "rrsets"])
        if parts[4] == "changes" and method == "POST":
            return self._changed(zone, body)
        if parts[4] == "changes":
            return {"id": parts[-1], "status": "done"}
        wanted = {name: query[name] for name in ("name", "type") if name in query}
        return {"rrsets": [item for item in self.below(zone) if wanted.items() <= item.items()]}

    def _changed(self, zone: str, body: Json) -> Json:
        for item in body.get("deletions", ()):
            path = f"{zone}/{item['name']}|{item['type']}"
            if self.cloud.resources.get(path, {}).get("rrdatas") != item["rrdatas"]:
                raise ApiError(412, "conditionNotMet", "Precondition not met for 'entity.change.deletions[0]'")
            del self.cloud.resources[path]
        for item in body.get("additions", ()):
            if not item["name"].endswith(self.cloud.zones[zone.split("/")[3]]):
                raise ApiError(400, "invalid", f"Invalid value for 'entity.change.additions[0].name': '{item['name']}'")
            self.made(f"{zone}/{item['name']}|{item['type']}", {"kind": "dns#resourceRecordSet", **item})
        return {"id": str(self.cloud.number()), "status": "pending"}


class Monitoring(_Api):
    """Alert policies and notification channels, named by number."""

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        parts = path.split("/")  # projects/P/alertPolicies/N
        if len(parts) == 3 and method == "POST":
            return self._made(path, body)
        if len(parts) == 3:
            return {parts[2]: self.below(path)}
        if method in ("PATCH", "PUT"):
            return self.merged(path, body)
        return self.gone(path) if method == "DELETE" else copy.deepcopy(self.existing(path))

    def _made(self, collection: str, body: Json) -> Json:
        name = f"{collection}/{self.cloud.number()}"
        for channel in body.get("notificationChannels", ()):
            self.existing(channel)
        for condition in body.get("conditions", ()):
            condition["name"] = f"{name}/conditions/{self.cloud.number()}"
        return self.made(name, {**body, "name": name, "creationRecord": {"mutatedBy": "test"}})


class StorageTransfer(_Api):
    """Transfer jobs: never gone, but DELETED."""

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        if path == "transferJobs" and method == "POST":
            name = f"transferJobs/{self.cloud.number()}"
            return self.made(name, {**body, "name": name, "creationTime": "2026-11-21T00:00:00Z"})
        if path == "transferJobs":
            return {"transferJobs": self.below(path)}
        return self.merged(path, body["transferJob"]) if method == "PATCH" else copy.deepcopy(self.existing(path))


class NetworkConnectivity(_Api):
    """Internal ranges: what overlaps another in the same network is refused."""

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        parts = path.split("/")  # projects/P/locations/global/internalRanges/N
        if len(parts) < 5 or parts[4] not in ("internalRanges", "operations"):
            raise not_found(path)
        if parts[4] == "operations":
            return {"name": path, "done": True}
        if len(parts) == 5 and method == "POST":
            self._refuse_overlap(path, body)
            self.made(f"{path}/{query['internalRangeId']}", {**body, "name": f"{path}/{query['internalRangeId']}"})
        elif len(parts) == 5:
            return {"internalRanges": self.below(path)}
        elif method == "PATCH":
            self.merged(path, body)
        elif method == "DELETE":
            self.gone(path)
        else:
            return copy.deepcopy(self.existing(path))
        return {"name": f"{'/'.join(parts[:4])}/operations/{self.cloud.number()}", "done": True}

    def _refuse_overlap(self, collection: str, body: Json) -> None:
        there = [item for item in self.below(collection) if item["network"] == body["network"]]
        if any(IPv4Network(item["ipCidrRange"]).overlaps(IPv4Network(body["ipCidrRange"])) for item in there):
            raise ApiError(400, "failedPrecondition", f"{body['ipCidrRange']} overlaps another internal range")
