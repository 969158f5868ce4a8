"""Endpoints that are told of changes: what `/v1/changes` tells, sent to them, signed, and again where that fails."""
