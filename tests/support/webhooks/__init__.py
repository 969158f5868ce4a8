"""Endpoints of webhooks, and runs in which these and the servers are killed."""
