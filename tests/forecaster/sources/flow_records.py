"""Flow records as collectors write them, each a million bytes of one pair."""

import ipaddress
import json

from contracts.sources import FlowSource
from forecaster.sources.flows.reading import read_flows
from forecaster.sources.flows.records import Flow, flow_of
from tests.forecaster.sources.fakes import window

OWN = tuple(
    (ipaddress.ip_network(prefix), region)
    for prefix, region in (("10.16.0.0/16", "fra"), ("10.17.0.0/16", "ams"), ("2001:db8:10::/48", "fra"))
)

# As nfacctd 1.7.7 wrote them: NetFlow v5 of a router that samples 1 in 100; then the same, renormalised by pmacct.
PMACCT = {
    "event_type": "purge", "as_src": 64512, "as_dst": 64513, "peer_ip_src": "192.168.0.1", "ip_src": "10.16.0.5",
    "ip_dst": "10.17.0.9", "sampling_rate": 100, "timestamp_start": "2026-03-02 00:10:00.000000",
    "timestamp_end": "2026-03-02 00:58:20.000000", "stamp_inserted": "2026-03-02 00:05:00",
    "stamp_updated": "2026-11-21 09:35:43", "packets": 10, "bytes": 10000,
}  # fmt: skip
RENORMALISED = PMACCT | {"sampling_rate": 1, "packets": 1000, "bytes": 1000000}
EPOCH = PMACCT | {"timestamp_start": "1772410200.000000", "timestamp_end": "1772413100.000000"}
BINNED = {
    "event_type": "purge", "net_src": "10.16.0.0", "net_dst": "10.17.0.0", "mask_src": 24, "mask_dst": 24,
    "stamp_inserted": "2026-03-02T00:05:00Z", "stamp_updated": "2026-11-21T09:35:51Z", "packets": 30, "bytes": 1000000,
}  # fmt: skip
# pmacctd, CSV: the end of a flow that has not ended is all zeros.
PMACCT_CSV = (
    "SRC_AS,DST_AS,PEER_SRC_IP,SRC_IP,SRC_NET,DST_IP,DST_NET,SRC_MASK,DST_MASK,SAMPLING_RATE,"
    "TIMESTAMP_START,TIMESTAMP_END,PACKETS,BYTES\n"
    "64512,64513,,10.16.0.5,10.16.0.0,10.17.0.9,10.17.0.0,24,24,1,"
    "2026-03-02 00:00:30.000000,0000-00-00 00:00:00.000000,1,1000000\n"
)
# goflow2 2.2.6, without the fields that nobody asks for. sFlow has no duration; NetFlow says begin and end.
GOFLOW2 = {
    "type": "SFLOW_5", "time_received_ns": 1772410200157626000, "sequence_num": 2999, "sampling_rate": 1000,
    "sampler_address": "192.168.0.1", "time_flow_start_ns": 1772410200157626000,
    "time_flow_end_ns": 1772410200157626000, "bytes": 1000, "packets": 1, "src_addr": "10.16.0.5",
    "dst_addr": "10.17.0.9", "etype": "IPv4", "proto": "TCP", "src_as": 0, "dst_as": 0, "next_hop": "",
    "src_net": "0.0.0.0/0", "dst_net": "0.0.0.0/0", "as_path": [], "layer_stack": ["Ethernet", "IPv4", "UDP"],
}  # fmt: skip
GOFLOW2_NETFLOW = {
    "type": "NETFLOW_V5", "time_received_ns": 1795253923915692893, "sequence_num": 0, "sampling_rate": 100,
    "sampler_address": "127.0.0.1", "time_flow_start_ns": 1772410200000000000,
    "time_flow_end_ns": 1772413100000000000, "bytes": 10000, "packets": 10, "src_addr": "10.16.0.5",
    "dst_addr": "10.17.0.9", "src_as": 64512, "dst_as": 64513, "src_net": "10.16.0.0/24", "dst_net": "10.17.0.0/24",
    "as_path": [],
}  # fmt: skip
GOFLOW2_AGGREGATED = GOFLOW2_NETFLOW | {"src_addr": "", "dst_addr": ""}
# goflow2 version 1.
GOFLOW1 = {
    "Type": "NETFLOW_V9", "TimeReceived": 1772410500, "SamplingRate": 0, "SamplerAddress": "192.168.0.1",
    "TimeFlowStart": 1772410200, "TimeFlowEnd": 1772410500, "Bytes": 1000000, "Packets": 1,
    "SrcAddr": "10.16.0.5", "DstAddr": "10.17.0.9", "SrcNet": 24, "DstNet": 24,
}  # fmt: skip
MILLION_BYTES = 1e6 * 8 / 3600 / 1e9
"""gbit/s, over an hour."""


def source(**settings):
    plain = {"name": "flows", "files": ["*.json", "*.csv", "*.gz"], "timezone": "UTC", "block_length": 0}
    return FlowSource.model_validate(plain | settings)


def flow(record, reading) -> Flow:
    found = flow_of(record, reading)
    assert found is not None
    return found


def read(folder, *records, hours=2, own=OWN, **settings):
    text = "".join(record if isinstance(record, str) else json.dumps(record) + "\n" for record in records)
    (folder / "flows.json").write_text(text)
    return read_flows(source(**settings), window(hours), own, folder)
