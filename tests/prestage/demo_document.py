"""What `demo --json` promises, as a check that the in-memory and the real-engine tests share."""

from typing import Any


def check_demo_document(document: dict[str, Any]) -> None:
    """Exactly the keys of the promise, with values that a day of the demo must have."""
    assert set(document) == {"seconds", "files", "plans", "requests", "drift", "engine", "backtest"}
    assert document["seconds"] > 0
    assert all(isinstance(name, str) and isinstance(path, str) for name, path in document["files"].items())
    first, *_, last = document["plans"]
    for plan in document["plans"]:
        assert set(plan) == {"changes", "usd_per_hour", "gap"}
        assert set(plan["changes"]) == {"create", "update", "delete"}
        assert plan["usd_per_hour"] > 0 and 0 <= plan["gap"] < 0.05
    assert first["changes"]["create"] > 100
    assert last["changes"] == {"create": 0, "update": 0, "delete": 0}
    _check_requests(document["requests"])
    assert document["drift"]["found"] == document["drift"]["reconciled"] == 1
    assert document["drift"]["expected"] >= 1
    assert set(document["drift"]) == {"found", "expected", "reconciled"}
    assert set(document["engine"]) == {"name", "version"}
    assert set(document["backtest"]) == {"model", "mase", "coverage_80"}
    assert document["backtest"]["mase"] > 0
    assert 0.6 < document["backtest"]["coverage_80"] < 0.95


def _check_requests(requests: list[dict[str, Any]]) -> None:
    for request in requests:
        assert set(request) == {"kind", "outcome", "latency", "ms", "missing"}
        assert request["ms"] > 0
        assert bool(request["missing"]) == (request["outcome"] == "refused")
    assert [(item["kind"], item["outcome"], item["latency"]) for item in requests] == [
        ("peering", "staged", "low"),
        ("peering", "on_demand", "medium"),
        ("peering", "refused", None),
        ("address", "staged", "low"),
        ("address", "pool", "medium"),
    ]
