"""The Pulumi policy pack: the same rules over the resources that a Pulumi program declares.

`pulumi preview --policy-pack policies/pack` runs `__main__`, which only wires; `judge` holds what the wiring calls.
A policy sees new inputs only (never what is deleted), so the declared resources are laid over the reviewed plan: what
the plan wants and the stack does not declare is a delete, and no pack policy knows the ledger.
"""
