"""What follows from the facts: slots, liveness, fault tolerance, folds, search, and why."""
