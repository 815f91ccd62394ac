"""Buying ahead of demand that is not known yet: how much for long, how much for a day, what being wrong costs."""
