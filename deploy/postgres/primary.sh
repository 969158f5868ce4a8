#!/bin/sh
# Makes a new PostgreSQL the primary of one synchronous standby. Run once, before its first real start: by the image of
# PostgreSQL for what lies in /docker-entrypoint-initdb.d, and by local/postgres.py.
# Needs PGDATA, POSTGRES_USER, POSTGRES_DB and REPLICATION_PASSWORD.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password REPLICATION_PASSWORD
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
-- What the standby has not read yet is kept for it, up to a limit, so that one that stays away does not fill the disk.
SELECT pg_create_physical_replication_slot('standby') IS NOT NULL AS slot \gset
ALTER SYSTEM SET max_slot_wal_keep_size = '8GB';
-- A primary that comes back can be rewound to the new one.
ALTER SYSTEM SET wal_log_hints = on;
-- From the next start on: until then there is no standby, and nothing could be committed here.
ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)';
SQL
echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
