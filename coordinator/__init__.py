"""Requests in, decisions out: the ledger, peering, addresses, and the wiring of forecast, plan, review and apply."""
