"""Every type that a target declares can be found, one way or the other, or is a setting that is made twice in vain."""

from stacks.clouds.aws.children import CHILDREN
from stacks.clouds.aws.children import SETTINGS as MADE_AGAIN
from stacks.clouds.aws.listings import LISTINGS
from stacks.clouds.gcp.collections import COLLECTIONS, NESTED, ZONAL
from stacks.clouds.gcp.settings import SETTINGS
from stacks.targets.declare import declare
from tests.clouds.clouds_world import every_kind_of, mixed_environment


def declared(prefix):
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    items = declare(every_kind_of(environment), environment)
    return {item.type for item in items if item.type.startswith(prefix)}


def test_every_type_of_aws_is_found_in_one_way():
    ways = (set(LISTINGS), set(CHILDREN), set(MADE_AGAIN))
    assert declared("aws_")
    assert {type for type in declared("aws_") if sum(type in way for way in ways) != 1} == set()


def test_every_type_of_google_is_found_in_one_way():
    ways = (set(COLLECTIONS), set(ZONAL), set(NESTED), set(SETTINGS))
    assert declared("google_")
    assert {type for type in declared("google_") if sum(type in way for way in ways) != 1} == set()
