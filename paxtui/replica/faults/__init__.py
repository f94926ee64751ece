"""Faults on purpose: which act at this replica, which wait for a trigger, which end when."""
