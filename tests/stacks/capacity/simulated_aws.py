"""AWS as far as live capacity asks it, with limits that hold: `with simulated_aws(world) as url:`, on loopback.

Service Quotas, offerings by zone, spot prices, the price list, what runs and is reserved. Answers come in pages, some
are refused or late where a test says so. What it does not know goes on to another server (moto), where there is one.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session

from tests.clouds.loopback import Handler, LoopbackServer, serving

Row = dict[str, Any]
_EC2 = botocore.session.get_session().get_service_model("ec2")
VCPU = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
STANDARD, GRAPHICS, GP3 = "L-1216C47A", "L-DB2E81BA", "L-7A658B76"


class LimitExceeded(Exception):
    """More was started than the account may run."""


@dataclass(kw_only=True)
class AwsWorld:
    """All locations of one account.

    Attributes:
        quotas: location -> code -> value; what is not there has the default.
        zones: location -> zone -> shapes that it offers.
        running, volumes, vpcs, reservations: location -> rows, as boto3 spells them.
        spot: location -> (shape, zone, price, hour).
        prices: (location, shape or type of volume) -> USD as the price list has it; an empty list answers nothing.
        down: locations that answer nothing but 503.
        denied: service -> code with which it refuses everybody.
        slow: location -> seconds until it answers.
        throttled: location -> how many calls are refused before one is answered.
        asked: `location operation` of every call.
    """

    quotas: dict[str, dict[str, float]] = field(default_factory=dict)
    defaults: dict[str, float] = field(default_factory=lambda: {STANDARD: 64.0, GRAPHICS: 0.0, GP3: 50.0})
    zones: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    running: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    volumes: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    vpcs: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    reservations: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    spot: dict[str, list[tuple[str, str, float, int]]] = field(default_factory=lambda: defaultdict(list))
    prices: dict[tuple[str, str], float] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    denied: dict[str, str] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    throttled: dict[str, int] = field(default_factory=dict)
    page: int = 2
    asked: list[str] = field(default_factory=list)

    def quota(self, location: str, code: str) -> float:
        return self.quotas.get(location, {}).get(code, self.defaults.get(code, 0.0))

    def launch(self, location: str, shape: str, count: int, tags: Mapping[str, str] | None = None) -> None:
        """Starts instances, as EC2 would.

        Raises:
            LimitExceeded: the quota of the shape's families is used up.
        """
        code = GRAPHICS if shape[0] == "g" else STANDARD
        used = sum(
            vcpu(row["InstanceType"])
            for row in self.running[location]
            if (row["InstanceType"][0] == "g") == (code == GRAPHICS) and row.get("InstanceLifecycle") != "spot"
        )
        if used + vcpu(shape) * count > self.quota(location, code):
            raise LimitExceeded(f"{location}: {used} + {vcpu(shape) * count} > {self.quota(location, code)} vCPU")
        for zone in sorted(self.zones[location]):
            if shape not in self.zones[location][zone]:
                raise LimitExceeded(f"{zone} offers no {shape}")
        self.running[location] += [instance(shape, tags)] * count


def vcpu(shape: str) -> int:
    return VCPU[shape.partition(".")[2]]


def instance(shape: str, tags: Mapping[str, str] | None = None, *, spot: bool = False) -> Row:
    row: Row = {"InstanceType": shape, "Tags": tag_list(tags or {})}
    return row | ({"InstanceLifecycle": "spot"} if spot else {})


def tag_list(tags: Mapping[str, str]) -> list[Row]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


@contextmanager
def simulated_aws(world: AwsWorld, beyond: str = "") -> Iterator[str]:
    """A server over a world; what that does not answer is asked of `beyond`."""
    with serving(_Server(world, beyond)) as url:
        yield url


class _Server(LoopbackServer):
    def __init__(self, world: AwsWorld, beyond: str) -> None:
        super().__init__(_Handler)
        self.world, self.beyond = world, beyond


class _Handler(Handler):
    server: _Server

    def serve(self) -> None:
        world, body = self.server.world, self.payload()
        _, _, location, service, _ = (
            re.findall(r"Credential=(\S+?),", self.headers.get("Authorization", "")) or ["////"]
        )[0].split("/")
        asked = _asked(dict(self.headers.items()), body)
        world.asked.append(f"{location} {asked[0]}")
        time.sleep(world.slow.get(location, 0))
        if refusal := self._refusal(location, service):
            return self._send(*refusal)
        if asked[0] == "AssumeRole":
            return self._send(200, _ASSUMED)
        answer = _OPERATIONS.get(asked[0])
        if answer is None or (self.server.beyond and asked[0] in _LIVING):
            if self.server.beyond:
                return self.pass_on(self.server.beyond, body)
            return self._send(400, _error("", "UnknownOperation", f"no answer to {self.path}"))
        rows, operation = answer(world, location, asked[1]), asked[0]
        return self._send(200, _rendered(operation, rows, asked[1], world.page))

    def _refusal(self, location: str, service: str) -> tuple[int, str] | None:
        world = self.server.world
        if location in world.down:
            return 503, _error(service, "ServiceUnavailable", "down for the test")
        if service in world.denied:
            return 400, _error(service, world.denied[service], "not for you")
        if world.throttled.get(location, 0) > 0:
            world.throttled[location] -= 1
            return 400 if service != "ec2" else 503, _error(service, "RequestLimitExceeded", "too fast")
        return None

    def _send(self, code: int, text: str) -> None:
        kind = "text/xml" if text.startswith("<") else "application/x-amz-json-1.1"
        self.reply(code, text.encode(), {"Content-Type": kind})


_ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>assumed</AccessKeyId>"
    "<SecretAccessKey>assumed</SecretAccessKey><SessionToken>assumed</SessionToken>"
    "<Expiration>2126-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


def _asked(headers: Mapping[str, str], body: bytes) -> tuple[str, Row]:
    """Operation and arguments; of EC2's form only what is asked for here."""
    if target := headers.get("X-Amz-Target"):
        found: Row = json.loads(body or b"{}")
        return target.rpartition(".")[2], found
    form = parse_qs(body.decode(errors="replace")) if b"Action=" in body else {}
    action, version = form.get("Action", [""])[0], form.get("Version", [""])[0]
    if (action not in _OPERATIONS or version != "2016-11-15") and action != "AssumeRole":
        return "", {}
    return form["Action"][0], {name: values[0] for name, values in form.items()}


def _quotas(world: AwsWorld, location: str, asked: Row) -> list[Row]:
    own = world.quotas.get(location, {})
    return [{"QuotaCode": code, "Value": value} for code, value in sorted(own.items())]


def _default_quotas(world: AwsWorld, location: str, asked: Row) -> list[Row]:
    return [{"QuotaCode": code, "Value": value} for code, value in sorted(world.defaults.items())]


def _offerings(world: AwsWorld, location: str, asked: Row) -> list[Row]:
    wanted = {value for name, value in asked.items() if name.startswith("Filter.1.Value")}
    return [
        {"InstanceType": shape, "LocationType": "availability-zone", "Location": zone}
        for zone, shapes in sorted(world.zones.get(location, {}).items())
        for shape in sorted(shapes & wanted)
    ]


def _spot(world: AwsWorld, location: str, asked: Row) -> list[Row]:
    wanted = {value for name, value in asked.items() if name.startswith("InstanceType.")}
    return [
        {
            "InstanceType": shape,
            "AvailabilityZone": zone,
            "SpotPrice": str(price),
            "Timestamp": datetime(2026, 3, 2, hour, tzinfo=UTC),
        }
        for shape, zone, price, hour in world.spot[location]
        if shape in wanted
    ]


def _types(world: AwsWorld, location: str, asked: Row) -> list[Row]:
    wanted = sorted(value for name, value in asked.items() if name.startswith("InstanceType."))
    return [{"InstanceType": shape, "VCpuInfo": {"DefaultVCpus": vcpu(shape)}, **_equipment(shape)} for shape in wanted]


def _equipment(shape: str) -> Row:
    """A GPU in each of family g, and a network of a quarter of a gigabit a vCPU, that bursts to ten."""
    card = {"NetworkPerformance": "Up to 10 Gigabit", "BaselineBandwidthInGbps": vcpu(shape) / 4}
    network = {"NetworkInfo": {"NetworkPerformance": "Up to 10 Gigabit", "NetworkCards": [card]}}
    gpus = {"GpuInfo": {"Gpus": [{"Name": "A10G", "Count": 1}]}} if shape.startswith("g") else {}
    return {**network, **gpus}


def _products(world: AwsWorld, location: str, asked: Row) -> list[str]:
    fields = {item["Field"]: item["Value"] for item in asked["Filters"]}
    item = fields.get("instanceType") or fields.get("volumeApiName", "")
    units = {item: "Hrs" if "instanceType" in fields else "GB-Mo"}
    if "instanceType" not in fields and "productFamily" not in fields:
        units |= {f"{item}-iops": "IOPS-Mo", f"{item}-mibps": "GiBps-mo"}
    found = []
    for name, unit in units.items():
        usd = world.prices.get((fields["regionCode"], name))
        price = {"unit": unit, "pricePerUnit": {"USD": f"{usd}"}}
        terms = {"OnDemand": {"x": {"priceDimensions": {"y": price}}}, "Reserved": {}}
        if usd is not None:
            found.append(json.dumps({"product": {"attributes": fields}, "terms": terms}))
    return found


_OPERATIONS = {
    "ListServiceQuotas": _quotas,
    "ListAWSDefaultServiceQuotas": _default_quotas,
    "GetProducts": _products,
    "DescribeInstanceTypeOfferings": _offerings,
    "DescribeSpotPriceHistory": _spot,
    "DescribeInstanceTypes": _types,
    "DescribeInstances": lambda world, location, asked: [{"Instances": [row]} for row in world.running[location]],
    "DescribeVolumes": lambda world, location, asked: world.volumes[location],
    "DescribeVpcs": lambda world, location, asked: world.vpcs[location],
    "DescribeCapacityReservations": lambda world, location, asked: world.reservations[location],
}
_LISTS = {
    "ListServiceQuotas": "Quotas",
    "ListAWSDefaultServiceQuotas": "Quotas",
    "GetProducts": "PriceList",
    "DescribeInstanceTypeOfferings": "InstanceTypeOfferings",
    "DescribeSpotPriceHistory": "SpotPriceHistory",
    "DescribeInstanceTypes": "InstanceTypes",
    "DescribeInstances": "Reservations",
    "DescribeVolumes": "Volumes",
    "DescribeVpcs": "Vpcs",
    "DescribeCapacityReservations": "CapacityReservations",
}


_LIVING = {"DescribeInstances", "DescribeInstanceTypes", "DescribeVolumes", "DescribeVpcs"}
"""What a server beyond has itself, where there is one."""


def _rendered(operation: str, rows: list[Any], asked: Row, page: int) -> str:
    """One page of an answer, with where the next one begins."""
    start = int(asked.get("NextToken") or 0)
    answer: Row = {_LISTS[operation]: rows[start : start + page]}
    if start + page < len(rows):
        answer["NextToken"] = str(start + page)
    if not operation.startswith("Describe"):
        return json.dumps(answer)
    shape = _EC2.operation_model(operation).output_shape
    return f"<{operation}Response>{_xml(shape, answer)}</{operation}Response>"


def _xml(shape: Any, value: Any) -> str:
    """As EC2 writes it: lists of `item`, names as the model serialises them."""
    if shape.type_name == "structure":
        members = ((member, shape.members[name]) for name, member in ((n, v) for n, v in value.items()))
        names = [shape.members[name].serialization.get("name", name) for name in value]
        return "".join(
            f"<{name}>{_xml(kind, item)}</{name}>" for name, (item, kind) in zip(names, members, strict=True)
        )
    if shape.type_name == "list":
        return "".join(f"<item>{_xml(shape.member, item)}</item>" for item in value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return escape(str(value))


def _error(service: str, code: str, message: str) -> str:
    if service == "ec2":
        return f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    return json.dumps({"__type": code, "message": message})
