"""Failover on Google Cloud: each pair's record fails over, and one record a region weighs its pairs by their shares."""

from contracts.resources import FailoverSpec
from tests.clouds.clouds_world import resource
from tests.stacks.targets.gcp_world import ENVIRONMENT, declared

SHARES = "bel/failover-shares"


def pairs(**shares):
    return [
        resource(f"bel/failover/{partner}", FailoverSpec(partner=partner, share=share))
        for partner, share in shares.items()
    ]


def weights(found):
    items = found[SHARES].arguments["routing_policy"]["wrr"]
    return {item["rrdatas"]: item["weight"] for item in items}


def test_a_region_answers_by_the_shares_of_its_pairs():
    found = declared(pairs(ost=0.25, ams=0.75), ENVIRONMENT)
    record = found[SHARES]
    assert (record.type, record.root, record.arguments["type"]) == ("google_dns_record_set", "links", "CNAME")
    assert record.arguments["name"] == "bel.prestage.example."
    assert weights(found) == {("bel-ams.prestage.example.",): 0.75, ("bel-ost.prestage.example.",): 0.25}


def test_each_weight_leads_to_a_record_that_fails_over_and_is_made_before():
    found = declared(pairs(ost=0.5, ams=0.5), ENVIRONMENT)
    names = {item.arguments["name"]: key for key, item in found.items() if "/record" in key}
    assert {names[name] for (name,) in weights(found)} == set(found[SHARES].depends_on)
    for key in found[SHARES].depends_on:
        assert "primary_backup" in found[key].arguments["routing_policy"] and found[key].root == found[SHARES].root


def test_the_record_stays_the_same_one_when_partners_come_and_go():
    one, two = declared(pairs(ost=1.0), ENVIRONMENT)[SHARES], declared(pairs(ost=0.5, ams=0.5), ENVIRONMENT)[SHARES]
    assert (one.key, one.arguments["name"]) == (two.key, two.arguments["name"])
    assert SHARES not in declared([], ENVIRONMENT)


def test_what_was_made_on_demand_and_an_account_without_a_zone_weigh_nothing():
    spec = FailoverSpec(partner="ost", share=0.5)
    alone = declared([resource("bel/failover/ost", spec, root="ondemand-r1")], ENVIRONMENT)
    assert SHARES not in alone and alone["bel/failover/ost/record"].root == "ondemand-r1"
    accounts = tuple(account.model_copy(update={"dns_zone": ""}) for account in ENVIRONMENT.accounts)
    assert declared(pairs(ost=0.5), ENVIRONMENT.model_copy(update={"accounts": accounts})).keys() == {
        "bel/failover/ost"
    }
