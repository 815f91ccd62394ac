"""`prestage history import --source`: sources of an environment, read once or again and again."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from contracts.exits import ExitCode
from prestage.failures import run
from prestage.watching import again_and_again
from tests.forecaster.sources.loopback import loopback, send
from tests.forecaster.sources.mrt_bytes import dump, route
from tests.forecaster.sources.mrt_bytes import path as path_of
from tests.prestage.conftest import ROOT

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
FEED = "time,source,destination,value\n" + "".join(
    f"{HOUR - timedelta(hours=back):%Y-%m-%dT%H:%MZ},fra,nyc,{back}\n" for back in range(5, 0, -1)
)


def prometheus(handler):
    """Answers every query with 3 for `region="fra"`; the feed and, at /down, an error."""
    path, _, query = handler.path.partition("?")
    if path == "/feed.csv":
        return send(handler, FEED.encode())
    if path == "/bview.gz":
        routes = route("198.51.100.0/24", path_of(64512)), route("203.0.113.0/24", path_of(64513))
        return send(handler, gzip.compress(dump(*routes)), ETag='"1"')
    if path != "/api/v1/query_range":
        return send(handler, b"", 404)
    asked = dict(part.split("=") for part in query.split("&"))
    grid = range(int(asked["start"]), int(asked["end"]) + 1, int(asked["step"]))
    result = [{"metric": {"region": "fra"}, "values": [[moment, "3"] for moment in grid]}]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return send(handler, json.dumps(answer).encode())


@pytest.fixture
def server():
    with loopback(prometheus) as running:
        yield running


@pytest.fixture
def sources(project, server):
    """A file with a server, a feed, flow files, and a feed that is not there."""
    flow = {
        "bytes": 450_000_000_000, "src_addr": "10.16.0.5", "dst_addr": "10.17.0.9", "sampling_rate": 1,
        "time_flow_start_ns": int((HOUR - timedelta(minutes=50)).timestamp()) * 10**9,
        "time_flow_end_ns": int((HOUR - timedelta(minutes=10)).timestamp()) * 10**9,
    }  # fmt: skip
    (project / "flows").mkdir()
    (project / "flows" / "a.json").write_text(json.dumps(flow) + "\n")
    (project / "flows" / "prefixes.csv").write_text("prefix,region\n10.16.0.0/16,fra\n10.17.0.0/16,ams\n")
    (project / "sources").mkdir()
    path = project / "sources" / "dev.yaml"
    path.write_text(f"""format: prestage/sources
version: 1
prometheus:
  - name: core
    url: {server.url}
    history_hours: 6
    queries:
      - {{kind: cpu, subject: "{{region}}", unit: vcpu, query: "sum by (region) (busy)"}}
feed:
  - {{name: partner, url: "{server.url}/feed.csv", table: traffic, unit: gbps, history_hours: 3}}
flows:
  - {{name: edge, files: ["flows/*.json"], prefixes: flows/prefixes.csv, block_length: 0}}
""")
    return path


def _json(capsys):
    return json.loads(capsys.readouterr().out)


def _series(capsys):
    assert run(["history", "show", "--json"]) == 0
    return {f"{row['kind']}:{row['subject']}": row["hours"] for row in _json(capsys)["series"]}


def test_all_sources_of_an_environment(sources, capsys):
    assert run(["history", "import", "--source", "prometheus", "--source", "feed", "--source", "edge"]) == 0
    told = capsys.readouterr().out
    assert "core" in told and "partner" in told and "Read  3 sources" in told
    assert _series(capsys) == {"cpu:fra": 6, "traffic:fra->nyc": 5, "traffic:fra->ams": 1}


def test_reading_twice_changes_nothing(sources, capsys):
    for _ in range(2):
        assert run(["history", "import", "--config", str(sources), "--json"]) == 0
        found = {row["source"]: row["report"] for row in _json(capsys)["sources"]}
    assert all(report["counts"]["added"] == report["counts"]["replaced"] == 0 for report in found.values())
    assert found["core"]["counts"]["unchanged"] == 6
    assert sources.parent.parent.joinpath(".prestage/dev/sources.json").exists()


def test_a_source_that_fails_does_not_end_the_others(sources, capsys):
    sources.write_text(sources.read_text().replace("/feed.csv", "/gone.csv"))
    assert run(["history", "import", "--source", "prometheus", "--source", "partner"]) == ExitCode.ERROR
    told = capsys.readouterr().out
    assert "partner: nothing was kept" in told and "answers 404" in told and "Read  1 source" in told
    assert run(["history", "import", "--source", "partner", "--json"]) == ExitCode.ERROR
    failure = _json(capsys)["sources"][0]["failure"]
    assert failure["error"] == "SourceRefused" and failure["next_step"] == "correct the url"


def test_a_table_dump_at_a_web_address(sources, server, capsys):
    sources.write_text(
        sources.read_text().replace(
            "prefixes: flows/prefixes.csv",
            f'table_dumps: ["{server.url}/bview.gz"], as_regions: {{64512: mad, 64513: lon}}',
        )
    )
    flows = sources.parent.parent / "flows" / "a.json"  # of addresses that are none of the environment's own
    flows.write_text(flows.read_text().replace("10.16.0.5", "198.51.100.5").replace("10.17.0.9", "203.0.113.9"))
    assert run(["history", "import", "--source", "edge", "--json"]) == 0
    notes = _json(capsys)["sources"][0]["report"]["notes"]
    assert _series(capsys) == {"traffic:mad->lon": 1} and any("2 prefixes with an origin" in note for note in notes)
    paths = [seen.path for seen in server.asked]
    assert paths.count("/bview.gz") == 1


def test_watching_reads_as_often_as_it_is_told(sources, capsys):
    arguments = ["history", "import", "--source", "core", "--watch", "--every", "1", "--times", "2", "--json"]
    assert run(arguments) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["sources"][0]["report"]["counts"]["added"] == 6
    assert second["sources"][0]["report"]["counts"]["unchanged"] >= 6


def test_sigterm_ends_a_watch_cleanly(sources):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "prestage",
            "history",
            "import",
            "--source",
            "core",
            "--watch",
            "--every",
            "600",
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=sources.parent.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    late = threading.Timer(60, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())  # it has read once and waits now
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    finally:
        late.cancel()
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "") and "Traceback" not in err
    assert first["sources"][0]["report"]["counts"]["added"] == 6


def test_an_act_again_and_again_until_it_is_interrupted():
    acts: list[int] = []
    naps: list[float] = []

    def act():
        acts.append(len(acts))
        return len(acts) != 3

    assert not again_and_again(act, naps.append, every_s=5, times=3)
    assert naps == [5, 5]

    def interrupted(seconds):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    assert again_and_again(act, interrupted, every_s=5)
    assert len(acts) == 4 and signal.getsignal(signal.SIGTERM) is not None


USAGE = [
    (["history", "import"], "name files with their --table, or sources"),
    (["history", "import", "x.csv", "--source", "core", "--table", "traffic"], "--table, --unit and --timezone"),
    (["history", "import", "x.csv"], "--table traffic|"),
    (["history", "import", "--source", "core", "--every", "5"], "--every and --times go with --watch"),
    (["history", "import", "--source", "cor"], "did you mean 'core'?"),
    (["history", "import", "--source", "core", "--config", "absent.yaml"], "there is no file of sources"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE)
def test_wrong_usage_says_what_is_right(sources, arguments, said, capsys):
    assert run(arguments) == ExitCode.USAGE
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_typo_in_the_file_is_found_with_its_place(sources, capsys):
    sources.write_text(sources.read_text().replace("history_hours: 6", "history_hour: 6"))
    assert run(["history", "import", "--source", "core"]) == ExitCode.ERROR
    error = capsys.readouterr().err
    assert "dev.yaml:6:5" in error and "did you mean 'history_hours'?" in error


def test_an_account_that_the_environment_does_not_have(sources, capsys):
    sources.write_text(
        sources.read_text()
        + "cloudwatch:\n  - {name: aws, account: main, location: eu-west-1, metrics: [{kind: cpu, subject: fra, "
        "unit: vcpu, namespace: a, metric: b}]}\n"
    )
    assert run(["history", "import", "--source", "aws"]) == ExitCode.ERROR
    assert "the environment has no aws account 'main'" in capsys.readouterr().out
