"""compose.yaml: its form, and that all it names is there."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from app.settings import Settings
from deploy.local.composition import FOLDER, load_services, read_environment

ROOT = FOLDER.parent
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SECONDS = {"type": "string", "pattern": "^[0-9]+s$"}
STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
DEPENDENCIES = {
    "anyOf": [
        STRINGS,
        {"type": "object", "additionalProperties": {"properties": {"condition": {"enum": ["service_healthy"]}}}},
    ]
}
# The part of the Compose Specification that is used, with values in the one form that every version reads.
SERVICE = {
    "type": "object",
    "required": ["image", "restart", "environment", "healthcheck", "networks"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string", "pattern": "^(?:dateline|[a-z]+:[0-9.]+)$"},
        "build": {"type": "object", "required": ["context", "dockerfile"]},
        "restart": {"const": "unless-stopped"},
        "stop_signal": {"type": "string"},
        "user": {"type": "string"},
        "entrypoint": STRINGS,
        "command": STRINGS,
        "depends_on": DEPENDENCIES,
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "healthcheck": {
            "type": "object",
            "required": ["test", "interval", "timeout"],
            "additionalProperties": False,
            "properties": {
                "test": STRINGS,
                **dict.fromkeys(("interval", "timeout", "start_period"), SECONDS),
            },
        },
        "networks": STRINGS,
        "ports": STRINGS,
        "volumes": STRINGS,
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "services": {"type": "object", "additionalProperties": SERVICE},
        "networks": {"type": "object"},
        "volumes": {"type": "object"},
    },
}


def find_compose() -> list[str] | None:
    if shutil.which("docker"):
        known = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if known.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def test_file_has_the_form_of_compose() -> None:
    jsonschema_rs.validate(SCHEMA, COMPOSE)


def test_form_is_looked_at() -> None:
    wrong = {**COMPOSE, "services": {"node1": {**COMPOSE["services"]["node1"], "enviroment": {}}}}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(SCHEMA, wrong)


@pytest.mark.slow
def test_compose_itself_reads_the_file() -> None:
    command = find_compose()
    if command is None:
        pytest.skip("docker compose is not installed")
    arguments = [*command, "--file", str(FOLDER / "compose.yaml"), "config", "--quiet"]
    passwords = {"DATABASE_PASSWORD": "a", "REPLICATION_PASSWORD": "b"}
    result = subprocess.run(arguments, env={**os.environ, **passwords}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    without = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd="/")
    assert without.returncode != 0
    assert "PASSWORD" in without.stderr


def test_what_services_name_is_there() -> None:
    services = load_services()
    for service in services.values():
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert set(service.get("depends_on", ())) <= services.keys()
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source == "./tls":  # brought by whoever runs it
                continue
            assert (FOLDER / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"], volume


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_settings_of_nodes_are_settings(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read_environment(node)
    known = {f"DATELINE_{name.upper()}" for name in Settings.model_fields}
    assert environment.keys() <= known
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.url.startswith("postgresql://dateline:@primary:5432,standby:5432/")
    assert [str(network) for network in settings.trusted_proxies] == [
        COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    ]


def test_settings_of_the_unit_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (FOLDER / "systemd" / "dateline.env").read_text(encoding="utf-8").splitlines()
    environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert environment.keys() <= {f"DATELINE_{name.upper()}" for name in Settings.model_fields}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().host == environment["DATELINE_HOST"]


@pytest.mark.parametrize(
    ("service", "file", "prefix"), [("haproxy", "haproxy.cfg", "HAPROXY"), ("nginx", "nginx.conf", "NGINX")]
)
def test_proxies_are_given_what_their_files_name(service: str, file: str, prefix: str) -> None:
    named = set(re.findall(rf"\$\{{({prefix}_\w+)\}}", (FOLDER / file).read_text(encoding="utf-8")))
    set_there = {name for name in read_environment(service) if "ENVSUBST" not in name}
    # The third node is one of a set-up without containers.
    assert named - {"HAPROXY_NODE_3"} == set_there


def test_variables_to_fill_in_are_in_the_example() -> None:
    named = set(re.findall(r"(?<!\$)\$\{(\w+)[:}]", (FOLDER / "compose.yaml").read_text(encoding="utf-8")))
    example = (FOLDER / "env.example").read_text(encoding="utf-8")
    assert named == set(re.findall(r"^(\w+)=", example, flags=re.MULTILINE)) - {"COMPOSE_PROJECT_NAME"}


def test_unit_is_what_systemd_reads(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    unit = (FOLDER / "systemd" / "dateline.service").read_text(encoding="utf-8")
    file = tmp_path / "dateline.service"
    # The program is not installed here; whether it is there is the only thing that may differ.
    file.write_text(unit.replace("/opt/dateline/bin/dateline", "/bin/true"), encoding="utf-8")
    result = subprocess.run([program, "verify", str(file)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_schema_of_a_service_demands_a_health_check() -> None:
    node: dict[str, Any] = {key: value for key, value in COMPOSE["services"]["node1"].items() if key != "healthcheck"}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(SCHEMA, {"services": {"node1": node}})
