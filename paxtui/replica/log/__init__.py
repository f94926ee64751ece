"""The applied log on the way to readers, and how it is repaired, caught up with, aged and trimmed."""
