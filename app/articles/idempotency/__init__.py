"""Idempotency keys: a repeated request gets the first response, which is stored with the commit."""
