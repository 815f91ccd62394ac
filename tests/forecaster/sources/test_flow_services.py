"""Flow records by service: rules by port, protocol, class and tag; services are parts of their pair."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.flow_services import ServiceRule
from contracts.sources import FlowSource
from forecaster.sources.flows.records import Reading, flow_of
from forecaster.sources.flows.services import classifier
from tests.forecaster.sources.fakes import rows
from tests.forecaster.sources.flow_records import GOFLOW1, GOFLOW2, PMACCT_CSV, RENORMALISED, read, source

RULES: list[dict[str, object]] = [
    {"service": "web", "ports": [443, "8000-8099"], "protocols": ["tcp"]},
    {"service": "quic", "ports": [443], "protocols": ["UDP"]},
    {"service": "voice", "dscp": [46]},
    {"service": "backup", "tags": ["17", "backup"]},
]
REST: list[dict[str, object]] = [*RULES, {"service": "other"}]
WEB = {"port_src": 51234, "port_dst": 443, "ip_proto": "tcp"}
CSV = PMACCT_CSV.replace("SAMPLING_RATE", "SAMPLING_RATE,SRC_PORT,DST_PORT,PROTOCOL").replace(
    ",24,24,1,", ",24,24,1,8080,9,tcp,"
)


@pytest.mark.parametrize(
    ("record", "service"),
    [
        (RENORMALISED | WEB, "web"),
        (RENORMALISED | {"port_src": "8099", "port_dst": "9", "ip_proto": "6"}, "web"),
        (RENORMALISED | {"port_src": 8100, "port_dst": 9, "ip_proto": "tcp"}, "other"),
        (RENORMALISED | WEB | {"ip_proto": "udp"}, "quic"),
        (RENORMALISED | {"tos": 184}, "voice"),
        (RENORMALISED | {"tos": "0xb8"}, "voice"),
        (RENORMALISED | {"tag": 17}, "backup"),
        (RENORMALISED | {"class": "backup"}, "backup"),
        (RENORMALISED | {"port_src": "-", "port_dst": None, "ip_proto": "?", "tos": "high"}, "other"),
        (RENORMALISED, "other"),
        (CSV, "web"),
        (GOFLOW2 | {"src_port": 443, "dst_port": 40000}, "web"),
        (GOFLOW1 | {"SrcPort": 40000, "DstPort": 443, "Proto": 17}, "quic"),
    ],
    ids=lambda it: it if isinstance(it, str) and len(it) < 9 else "record",
)
def test_the_first_rule_that_fits_names_the_service(tmp_path, record, service):
    """And the pair has the whole of it, in every hour as in none."""
    found = {(kind, subject): value for kind, subject, _, value, *_ in rows(read(tmp_path, record, services=REST))}
    assert set(found) == {("traffic", "fra->ams"), ("service_traffic", f"{service}@fra->ams")}
    assert len(set(found.values())) == 1


def test_services_add_up_to_their_pair_where_a_rule_takes_the_rest(tmp_path):
    records = (RENORMALISED | WEB, RENORMALISED | {"tos": 184, "bytes": 500_000}, RENORMALISED)
    plain = read(tmp_path, *records, services=RULES)
    assert sum(row[3] for row in rows(plain) if row[0] == "service_traffic") < rows(plain)[-1][3]
    assert any("60.0% of bytes between regions are of a service" in note for note in plain.notes)
    whole = read(tmp_path, *records, services=REST).measurements
    by_kind = whole.groupby(["kind", "time"])["value"].sum()
    assert by_kind["service_traffic"].to_numpy() == pytest.approx(by_kind["traffic"].to_numpy(), rel=1e-12)


def test_records_without_ports_are_told(tmp_path):
    batch = read(tmp_path, RENORMALISED, services=RULES)
    assert {row[0] for row in rows(batch)} == {"traffic"}
    assert any("0.0% of bytes" in note and "do the records have ports" in note for note in batch.notes)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"service": "Web"}, "service"),
        ({"service": "web", "ports": ["90-80"]}, "is no port"),
        ({"service": "web", "ports": ["65536"]}, "is no port"),
        ({"service": "web", "ports": [-1]}, "is no port"),
        ({"service": "web", "ports": [True]}, "ports"),
        ({"service": "web", "protocols": ["tpc"]}, "did you mean 'tcp'?"),
        ({"service": "web", "dscp": [64]}, "dscp"),
        ({"service": "web", "port": [80]}, "port"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule, told):
    with pytest.raises(ValidationError) as raised:
        source(services=[rule])
    assert told in str(raised.value)


def test_a_source_without_services_is_written_as_before():
    """So that its digest, by which it goes on where it was left, stays the same."""
    assert "services" not in json.loads(source().model_dump_json())
    assert FlowSource.model_validate_json(source(services=REST).model_dump_json()).services[0].ports == (
        "443",
        "8000-8099",
    )


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["port_src", "DST_PORT", "ip_proto", "Proto", "tos", "tag", "tag2", "label", "class"]),
        st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2)),
    )
)
def test_no_cell_breaks_a_rule(cells):
    """What rules ask for never makes a record a bad one: its bytes are the pair's in any case."""
    names = {str(rule["service"]) for rule in REST}
    found = flow_of(
        RENORMALISED | {"timestamp_start": "1772410200", "timestamp_end": "1772413100"} | cells,
        Reading(service_of=classifier(tuple(map(ServiceRule.model_validate, REST)))),
    )
    assert found is not None and found.service in names and found.bytes == 1_000_000
