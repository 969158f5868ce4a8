#!/bin/sh
# Writes the lock files anew: names, versions and hashes for every platform, and no address of where they came from.
# Needs uv (pip install uv) and npm. Run from the project's root after changing pyproject.toml.
set -eu
compile="uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url"
# What builds the project is in a file of its own: it is not installed beside what runs.
sed -n 's/^requires = \["\(.*\)"\]$/\1/p' pyproject.toml | $compile - --output-file requirements/build.txt "$@"
$compile pyproject.toml --extra importers --output-file requirements/run.txt "$@"
$compile pyproject.toml --extra importers --extra postgres --constraint requirements/run.txt --output-file requirements/postgres.txt "$@"
$compile pyproject.toml --extra importers --extra postgres --extra telemetry --constraint requirements/postgres.txt --output-file requirements/telemetry.txt "$@"
$compile pyproject.toml --extra importers --extra postgres --extra opensearch --constraint requirements/postgres.txt --output-file requirements/opensearch.txt "$@"
$compile pyproject.toml --extra importers --extra postgres --extra telemetry --extra opensearch --group dev --constraint requirements/telemetry.txt --constraint requirements/opensearch.txt --output-file requirements/dev.txt "$@"
# The tools of the client in TypeScript that tests compile. npm adds addresses of who can be paid for a package.
cd tests/system/clients
npm install --package-lock-only --ignore-scripts
node -e '
const fs = require("fs"), name = "package-lock.json", lock = JSON.parse(fs.readFileSync(name, "utf-8"));
for (const part of Object.values(lock.packages)) delete part.funding;
fs.writeFileSync(name, JSON.stringify(lock, null, 2) + "\n");
'
