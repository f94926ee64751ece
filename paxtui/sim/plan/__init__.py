"""Plans: everything that chance decides before a run starts, and how each profile draws it."""
