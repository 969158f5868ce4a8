"""Finds the folders that come with the program beside its code: migrations, sample articles, documentation. They lie at
the root of the repository, and within the package where a wheel was installed. Reads none of them."""

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).parent.parent


def find_folder(name: Literal["migrations", "seed_data", "docs"], package: Path = _PACKAGE) -> Path:
    """The folder of a wheel if there is one, else that of the repository."""
    installed = package / "shipped" / name
    return installed if installed.is_dir() else package.parent / name
