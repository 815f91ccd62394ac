"""Names in clouds: one a key, the same each time, within the limit, and of the characters that every cloud takes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from stacks.targets.names import cloud_name

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*-[0-9a-f]{8}")
KEYS = st.text(alphabet="abz019./-_A", min_size=1, max_size=60)
ENVIRONMENTS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(ENVIRONMENTS, KEYS, KEYS, st.integers(10, 64))
def test_a_name_tells_keys_apart_within_the_limit(environment, one, other, limit):
    name = cloud_name(environment, one, limit=limit)
    assert NAME.fullmatch(name) and len(name) <= limit
    assert (name == cloud_name(environment, other, limit=limit)) == (one == other)


def test_a_name_says_what_it_is_of_and_keeps_its_digest_where_it_is_cut():
    whole = cloud_name("prod", "fra/compute/serving/m6i.large", limit=63)
    cut = cloud_name("prod", "fra/compute/serving/m6i.large", limit=20)
    assert whole.startswith("prod-fra-compute-serving-m6i-large-")
    assert len(cut) <= 20 and cut[-8:] == whole[-8:]


def test_environments_of_one_key_have_names_of_their_own():
    assert cloud_name("prod", "fra/network", limit=32) != cloud_name("test", "fra/network", limit=32)
