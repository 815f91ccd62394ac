"""Roots: what is written is what people review, labels tell keys apart, and a broken state is told as such."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.environment import Environment, RegionSettings
from stacks.declaration import Declaration
from stacks.engines.engine import Adoption
from stacks.engines.terraform_engine.render import render_imports
from stacks.engines.terraform_engine.roots import IMPORTS, MAIN, Roots, label_of, render_root
from stacks.targets.estate import declare
from tests.stacks.every_kind import every_kind

GOLDEN = Path(__file__).parents[2] / "golden" / "terraform_root_fra.tf.json"
ENVIRONMENT = Environment(name="dev", regions=(RegionSettings(name="fra"), RegionSettings(name="ams")))
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*")  # what Terraform takes as a name
KEYS = st.text(alphabet="ab1_-./: ü", min_size=1, max_size=8)


def fra() -> tuple[Declaration, ...]:
    return tuple(item for item in declare(every_kind(), ENVIRONMENT) if item.root == "fra")


def test_a_root_is_written_as_the_golden_file():
    assert render_root(fra()) == GOLDEN.read_text()


def test_the_order_of_declarations_does_not_show():
    assert render_root(reversed(fra())) == render_root(fra())


def test_a_value_is_never_read_as_a_template():
    item = Declaration(type="estate_link", key="a/b", root="r", arguments={"owner": "${file(1)} %{if}", "n": ("${x}",)})
    block = json.loads(render_root([item]))["resource"]["estate_link"]["a__b"]
    assert block == {"owner": "$${file(1)} %%{if}", "n": ["$${x}"]}


def test_imports_name_address_and_id():
    (block,) = json.loads(render_imports("dev", {key: Adoption(key=key) for key in ["fra/alert/vcpu"]}, fra()))[
        "import"
    ]
    assert block == {"to": "estate_alert.fra__alert__vcpu", "id": "dev/fra/alert/vcpu"}


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("fra/network", "fra__network"),
        ("ams--fra/circuit/staged/1g/0001", "ams--fra__circuit__staged__1g__0001"),
        ("fra/block/staged/10.16.4.0-28", "fra__block__staged__10_16_4_0-28"),
    ],
)
def test_labels_stay_readable(key, label):
    assert label_of(key) == label


@given(KEYS, KEYS)
def test_labels_are_names_that_tell_keys_apart(one, other):
    assert LABEL.fullmatch(label_of(one))
    assert (label_of(one) == label_of(other)) == (one == other)


def test_files_are_written_only_when_they_differ(tmp_path):
    roots = Roots(tmp_path)
    roots.write("fra", "one", "imports")
    before = (tmp_path / "fra" / MAIN).stat().st_mtime_ns
    assert (tmp_path / "fra" / IMPORTS).read_text() == "imports"
    roots.write("fra", "one")
    assert (tmp_path / "fra" / MAIN).stat().st_mtime_ns == before
    assert not (tmp_path / "fra" / IMPORTS).exists()
    roots.write("fra", "other")
    assert (tmp_path / "fra" / MAIN).read_text() == "other"


def test_a_dropped_root_is_forgotten_twice_as_well_as_once(tmp_path):
    roots = Roots(tmp_path)
    roots.write("fra", "one")
    assert roots.names() == ("fra",)
    for _ in range(2):
        roots.drop("fra")
        assert roots.names() == () and list(tmp_path.iterdir()) == []
