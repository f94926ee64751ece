"""Metrics for Prometheus: read from the replica when somebody asks, over a small HTTP server."""
