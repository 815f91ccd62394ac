"""What the stand-in of Google's APIs holds: resources, operations that take time, quotas, faults that tests ask for.

`GoogleCloud` is the handle that a test keeps: it sets quotas and faults, looks at what exists, and changes it behind
the provider's back.
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
LINK = "https://www.googleapis.com/compute/v1/"
REFERENCE = re.compile(r"(?:https?://\S+?/)?(?P<path>projects/[^/\s]+/(?:global|regions|zones)/\S+)")


class ApiError(Exception):
    """An answer of Google's that is no success."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    def body(self) -> Json:
        one = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.code, "message": self.message, "errors": [one]}}


def not_found(path: str) -> ApiError:
    return ApiError(404, "notFound", f"The resource '{path}' was not found")


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong, the next `times` times that a request matches (`METHOD path`, a regular expression).

    `status` is answered in place of doing anything; `lost` does it and answers nothing; `hidden` hides what is asked
    for, as if it had not arrived everywhere yet.
    """

    match: str
    times: int = 1
    status: int = 0
    reason: str = "rateLimitExceeded"
    lost: bool = False
    hidden: bool = False


@dataclass(kw_only=True)
class Operation:
    """Work under way: who polls it sees PENDING, RUNNING, DONE. It ends by itself, too."""

    name: str
    target: str
    kind: str
    begun: float
    networks: frozenset[str] = frozenset()
    polls: int = 0
    done: bool = False
    error: Json | None = None


@dataclass(kw_only=True)
class GoogleCloud:
    """All projects of one test.

    Attributes:
        polls: how often an operation is asked for until it is done; the provider waits 10 s between two.
        operation_s: when it is done in any case.
        quotas: limit by metric, a region (`europe-west1/CPUS`) or the project (`NETWORKS`); none without.
        zones: DNS zones by name.
        requests: all that was asked, `METHOD path`.
    """

    polls: int = 1
    operation_s: float = 0.5
    quotas: dict[str, float] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=lambda: {"prestage-zone": "prestage.example."})
    resources: dict[str, Json] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)
    numbers: int = 1000

    def number(self) -> int:
        """A number that nothing else has."""
        self.numbers += 1
        return self.numbers

    def find(self, collection: str) -> dict[str, Json]:
        """By path, all that a collection holds: `networks`, `b`, `alertPolicies`."""
        with self.lock:
            return {path: dict(body) for path, body in self.resources.items() if path.split("/")[-2] == collection}

    def named(self, collection: str, part: str) -> tuple[str, Json]:
        """The one of a collection whose path has that part."""
        (found,) = [item for item in self.find(collection).items() if part in item[0]]
        return found

    def change(self, path: str, **fields: object) -> None:
        """Changes something as its owner would by hand."""
        with self.lock:
            self.resources[path] |= fields

    def destroy(self, path: str) -> None:
        """Takes something away as its owner would by hand."""
        with self.lock:
            del self.resources[path]

    def fault(self, request: str) -> Fault | None:
        """The fault that meets a request, which then has one time less."""
        with self.lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.times and re.search(fault.match, request):
                    fault.times -= 1
                    return fault
        return None

    def began(self, target: str, kind: str, *, networks: frozenset[str] = frozenset()) -> Operation:
        """A new operation."""
        name = f"operation-{self.number()}"
        made = Operation(name=name, target=target, kind=kind, begun=time.monotonic(), networks=networks)
        self.operations[name] = made
        return made

    def polled(self, name: str) -> Operation:
        """The operation after one more look at it."""
        found = self.operations.get(name)
        if found is None:
            raise not_found(f"operations/{name}")
        found.polls += 1
        self.settle()
        return found

    def settle(self) -> None:
        """Ends what has been looked at often enough or has taken long enough."""
        for operation in self.operations.values():
            late = time.monotonic() - operation.begun >= self.operation_s
            operation.done = operation.done or operation.polls >= self.polls or late

    def under_way(self) -> Iterator[Operation]:
        self.settle()
        return (operation for operation in self.operations.values() if not operation.done)

    def refuse_unready(self, path: str) -> None:
        """What is still being made or changed cannot be used or changed."""
        if any(operation.target == path for operation in self.under_way()):
            raise ApiError(400, "resourceNotReady", f"The resource '{path}' is not ready")

    def users_of(self, path: str) -> Iterator[str]:
        """What refers to something."""
        return (other for other, body in self.resources.items() if other != path and path in set(references(body)))


def references(value: object) -> Iterator[str]:
    """Paths of all Compute resources that a body names, but for what it says of itself."""
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        if found:
            yield found["path"]
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in ("selfLink", "id", "region", "zone", "peerings", "instanceGroup"):
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def linked(value: Any) -> Any:
    """A body with its references as Google spells them, whichever way they came, and without nothings in lists."""
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        return LINK + found["path"] if found else value
    if isinstance(value, dict):
        return {name: linked(item) for name, item in value.items()}
    return [linked(item) for item in value if item is not None] if isinstance(value, list) else value
