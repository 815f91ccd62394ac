"""`prestage schema` describes the files that Prestage writes."""

import json

from contracts.requests import PeeringRequest, Requirements
from prestage.failures import run


def test_list_names_every_document(capsys):
    assert run(["schema"]) == 0
    assert {"plan", "forecast", "environment", "inventory", "review", "drift"} <= set(capsys.readouterr().out.split())


def test_schema_knows_the_keys_of_a_sealed_file(capsys):
    request = PeeringRequest(
        id="a", customer="c", source="fra", destination="nyc", requirements=Requirements(), duration_hours=1
    )
    assert run(["schema", "peering-request"]) == 0
    schema = json.loads(capsys.readouterr().out)
    sealed = json.loads(request.sealed())
    assert set(sealed) <= set(schema["properties"])
    assert set(schema["required"]) <= set(sealed)
    assert schema["properties"]["format"]["const"] == sealed["format"]
