"""Measurements that are run by hand: `python -m bench.search`. Nothing in the application knows them."""
