"""What compose.yaml says, for a set-up without containers: the same settings, but for addresses and folders."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")


@cache
def load_services() -> dict[str, dict[str, Any]]:
    """By name. Variables of the environment are left as they are written."""
    services: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ]
    return services


def read_environment(service: str, **replaced: str) -> dict[str, str]:
    """The environment of a service; variables without a value have the default that is written there."""
    written: dict[str, str] = load_services()[service]["environment"]
    filled = {name: _VARIABLE.sub(lambda match: match[2] or "", value) for name, value in written.items()}
    return {**{name: value.replace("$$", "$") for name, value in filled.items()}, **replaced}
