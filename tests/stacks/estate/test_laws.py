"""Laws of the inventory: whatever is asked in whatever order, blocks never overlap and no place gives what it lacks."""

import multiprocessing
import random
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stacks.errors import BlockTaken, CapacityExceeded, NotInPlace
from stacks.estate.inventory import Inventory
from tests.stacks.estate.rows import block, machines
from tests.stacks.every_kind import CATALOG, facts

TOTAL_VCPU = 640
BLOCK_KEYS = st.sampled_from([f"fra/block/{number}" for number in range(5)])
COMPUTE_KEYS = st.sampled_from([f"fra/compute/{number}" for number in range(4)])
LENGTHS = st.integers(18, 24)


class InventoryMachine(RuleBasedStateMachine):
    """Creates, changes and deletes at random, beside a model that is a dictionary."""

    @initialize(folder=st.just(None))
    def open(self, folder):
        self.inventory = Inventory(Path(":memory:"))
        self.inventory.load_facts(facts(), CATALOG)
        self.blocks: dict[str, IPv4Network] = {}
        self.machines: dict[str, int] = {}

    @rule(key=BLOCK_KEYS, length=LENGTHS, number=st.integers(0, 63))
    def take_block(self, key, length, number):
        prefix = IPv4Network((0x0A010000 + (number << (32 - length)) % (1 << 16), length))
        taken = any(prefix.overlaps(other) for other in self.blocks.values())
        try:
            self.inventory.create("dev", "estate_block", key, block(key, str(prefix)))
        except NotInPlace:
            assert self.blocks[key] != prefix
        except BlockTaken:
            assert key not in self.blocks and taken
        else:
            assert self.blocks.get(key, prefix) == prefix and (key in self.blocks or not taken)
            self.blocks[key] = prefix

    @rule(key=COMPUTE_KEYS, instances=st.integers(1, 60))
    def take_machines(self, key, instances):
        left = TOTAL_VCPU // 8 - sum(count for other, count in self.machines.items() if other != key)
        try:
            self.inventory.create("dev", "estate_compute", key, machines(key, instances))
        except CapacityExceeded:
            assert instances > left
        else:
            assert instances <= left
            self.machines[key] = instances

    @rule(key=st.one_of(BLOCK_KEYS, COMPUTE_KEYS))
    def give_back(self, key):
        self.inventory.delete("dev", key)
        self.blocks.pop(key, None)
        self.machines.pop(key, None)

    @invariant()
    def what_is_there_is_what_was_admitted(self):
        if not hasattr(self, "inventory"):
            return
        rows, usages = self.inventory.live()
        assert {row.key for row in rows} == self.blocks.keys() | self.machines.keys()
        assert sum(usage.amount for usage in usages if usage.kind == "vcpu") == 8 * sum(self.machines.values())

    def teardown(self):
        if hasattr(self, "inventory"):
            self.inventory.close()


TestInventory = InventoryMachine.TestCase
TestInventory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def churn(path: Path, seed: int) -> None:
    """Takes and gives back blocks and machines, as one of several processes."""
    rng, inventory = random.Random(seed), Inventory(path)
    for step in range(150):
        key = f"fra/{seed}/{rng.randrange(12)}"
        try:
            if rng.random() < 0.4:
                inventory.delete("dev", key)
            elif rng.random() < 0.5:
                prefix = IPv4Network((0x0A010000 + rng.randrange(32) * 2048, rng.choice((21, 22, 24))))
                inventory.create("dev", "estate_block", f"{key}/{step}", block(f"{key}/{step}", str(prefix)))
            else:
                inventory.create("dev", "estate_compute", key, machines(key, rng.randint(1, 20)))
        except (BlockTaken, CapacityExceeded):
            continue


def test_two_processes_at_once_never_overlap_nor_exceed(tmp_path):
    path = tmp_path / "estate.db"
    inventory = Inventory(path)
    inventory.load_facts(facts(), CATALOG)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=churn, args=(path, seed)) for seed in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    rows, usages = inventory.live()
    blocks = [IPv4Network(str(row.arguments["prefix"])) for row in rows if row.type == "estate_block"]
    assert {row.key.split("/")[1] for row in rows} == {"1", "2"} and len(blocks) > 5
    assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))
    assert 0 < sum(usage.amount for usage in usages if usage.kind == "vcpu") <= TOTAL_VCPU
    inventory.close()
