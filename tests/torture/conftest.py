"""Long runs are collected only where they are asked for: `pytest tests/torture -m torture`."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "torture: takes minutes; run with -m torture")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "torture" in str(config.getoption("markexpr")):
        return
    long = [item for item in items if item.get_closest_marker("torture")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)
