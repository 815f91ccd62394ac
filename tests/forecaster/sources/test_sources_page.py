"""The examples of docs/sources.md are files that Prestage takes."""

import re

import pytest

from contracts.sources import SOURCE_KINDS, Sources
from contracts.yaml_files import parse_yaml_document
from forecaster.sources.naming import measure_in
from tools.environment import ROOT

EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "sources.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_read(text):
    sources = parse_yaml_document(Sources, text, where="docs/sources.md")
    measured = [query for source in sources.prometheus for query in source.queries]
    cloudwatch = [metric for source in sources.cloudwatch for metric in source.metrics]
    monitoring = [metric for source in sources.monitoring for metric in source.metrics]
    for item in (*measured, *cloudwatch, *monitoring):
        measure_in(item, where="docs/sources.md")
    assert sources.all()


def test_every_kind_has_an_example():
    assert {kind for kind in SOURCE_KINDS for text in EXAMPLES if f"\n{kind}:" in text} == set(SOURCE_KINDS)
