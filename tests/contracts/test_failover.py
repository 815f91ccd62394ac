"""How many partners a region may have: what is said, and what holds where nothing is."""

import pytest

from contracts.environment import Environment
from contracts.failover import FailoverSettings, Reserve


def environment(**failover: object) -> Environment:
    regions = [{"name": "fra"}, {"name": "ams"}]
    return Environment.model_validate({"name": "dev", "engine": "terraform", "regions": regions, "failover": failover})


def test_where_the_reserve_is_shared_a_number_that_is_said_is_another_document() -> None:
    said, unsaid = environment(reserve="shared", max_partners=2), environment(reserve="shared")
    assert (said.failover.shared_partners, unsaid.failover.shared_partners) == (2, None)
    assert said.digest() != unsaid.digest()
    assert "max_partners" not in unsaid.content()["failover"]


def test_where_it_is_dedicated_two_is_what_holds_and_what_is_written() -> None:
    said, unsaid = environment(max_partners=2), environment()
    assert said.digest() == unsaid.digest() and said == unsaid
    assert unsaid.content()["failover"]["max_partners"] == unsaid.failover.dedicated_partners == 2
    assert environment(max_partners=None) == unsaid


@pytest.mark.parametrize("failover", [{}, {"max_partners": 3}, {"reserve": "shared"}, {"reserve": Reserve.SHARED}])
def test_settings_are_read_back_as_they_were_written(failover: dict[str, object]) -> None:
    asked = environment(**failover)
    assert Environment.unseal(asked.sealed(), where="environment") == asked
    assert FailoverSettings.model_validate_json(asked.failover.model_dump_json()) == asked.failover
