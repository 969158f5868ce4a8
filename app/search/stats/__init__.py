"""The archive in numbers, for dashboards: what there is, what is missing, and tables of one thing by another."""
