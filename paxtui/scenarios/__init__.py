"""Named scenarios, as data, and their runner."""
