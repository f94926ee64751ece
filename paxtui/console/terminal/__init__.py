"""The terminal below the screen: bytes in, and a driver that outlives what they hold."""
