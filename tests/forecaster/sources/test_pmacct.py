"""pmacct's own collector over NetFlow datagrams: what it writes is what we read. Skips where it is not installed."""

import os
import shutil
import struct
import subprocess

import pytest

from contracts.sources import FlowSource
from forecaster.sources.flows.reading import read_flows
from tests.forecaster.sources.fakes import BEGIN, rows, window
from tests.forecaster.sources.flow_records import OWN

EXPORTED_AT = BEGIN + 7200
SAMPLING = 100
BYTES = 900_000  # of each flow, as sampled


def netflow_v5() -> bytes:
    """A datagram of two flows of a router that samples one packet in a hundred: both from 00:30 until 01:30."""
    header = struct.pack("!HHIIIIBBH", 5, 2, 7_200_000, EXPORTED_AT, 0, 0, 0, 0, 1 << 14 | SAMPLING)
    flows = ((bytes([10, 16, 0, 5]), bytes([10, 17, 0, 9])), (bytes([10, 17, 3, 9]), bytes([10, 16, 0, 6])))
    form = "!4s4s4sHHIIIIHHBBBBHHBBH"
    rest = (b"\0" * 4, 1, 2, 600, BYTES, 1_800_000, 5_400_000, 443, 50_000, 0, 16, 6, 0, 64512, 64513, 24, 24, 0)
    return header + b"".join(struct.pack(form, source, destination, *rest) for source, destination in flows)


def capture(datagram: bytes) -> bytes:
    """The datagram as a packet of a capture file (pcap)."""
    udp = struct.pack("!HHHH", 2000, 2100, 8 + len(datagram), 0) + datagram
    addresses = bytes([192, 168, 0, 1]), bytes([192, 168, 0, 2])
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, *addresses) + udp
    frame = b"\0" * 12 + b"\x08\x00" + ip
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return head + struct.pack("<IIII", EXPORTED_AT, 0, len(frame), len(frame)) + frame


def collect(folder, *settings):
    """Lets nfacctd read the capture and write `flows.json` and `flows.csv`."""
    (folder / "netflow.pcap").write_bytes(capture(netflow_v5()))
    lines = [
        "daemonize: false",
        f"pcap_savefile: {folder / 'netflow.pcap'}",
        "plugins: print[json], print[csv]",
        "aggregate: src_host, dst_host, timestamp_start, timestamp_end, sampling_rate, peer_src_ip, "
        "src_port, dst_port, proto, tos",
        "print_refresh_time: 1",
        *settings,
    ]
    for form in ("json", "csv"):
        lines += [f"print_output[{form}]: {form}", f"print_output_file[{form}]: {folder / f'flows.{form}'}"]
    (folder / "nfacctd.conf").write_text("\n".join(lines) + "\n")
    subprocess.run(
        ["nfacctd", "-f", str(folder / "nfacctd.conf")],
        check=True,
        capture_output=True,
        timeout=60,
        env={**os.environ, "TZ": "Europe/Berlin"},
    )


@pytest.mark.skipif(shutil.which("nfacctd") is None, reason="no nfacctd on PATH: Debian's package pmacct has it")
@pytest.mark.parametrize("settings", [(), ("nfacctd_renormalize: true", "timestamps_since_epoch: true")])
def test_what_it_writes_is_read(tmp_path, settings):
    """By default in local time and as sampled; or in seconds, renormalised by pmacct itself. Ports name the service."""
    collect(tmp_path, *settings)
    gbps = BYTES * SAMPLING * 8 / 3600 / 1e9 / 2  # half in each of the two hours
    for form in ("json", "csv"):
        web = {"service": "web", "ports": [443], "protocols": ["tcp"], "dscp": [0]}
        plain = {"name": "edge", "files": [f"flows.{form}"], "timezone": "Europe/Berlin", "block_length": 0}
        source = FlowSource.model_validate(plain | {"services": [web]})
        batch = read_flows(source, window(), OWN, tmp_path)
        assert batch.rows_read == 2
        assert rows(batch) == [
            (kind, of + pair, hour, round(gbps, 9), 1.0)
            for kind, of in (("service_traffic", "web@"), ("traffic", ""))
            for pair in ("ams->fra", "fra->ams")
            for hour in (0, 1)
        ]
