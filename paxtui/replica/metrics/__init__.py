"""Metrics for Prometheus: read from the replica on request, over a small HTTP server."""
