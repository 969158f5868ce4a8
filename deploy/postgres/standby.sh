#!/bin/sh
# Runs the command that it is called with on a copy of the primary, which it makes first where there is none.
# Needs PGDATA, PRIMARY_HOST, PRIMARY_PORT and PGPASSWORD, the password of the role `replicator`.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    copy=$PGDATA.incomplete
    rm -rf "$copy"
    until pg_basebackup --pgdata="$copy" --write-recovery-conf --slot=standby --wal-method=stream --checkpoint=fast \
        --dbname="host=$PRIMARY_HOST port=$PRIMARY_PORT user=replicator application_name=standby"; do
        rm -rf "$copy"
        sleep 1
    done
    # Once promoted it has no standby of its own, and must not wait for one.
    echo "synchronous_standby_names = ''" >>"$copy/postgresql.auto.conf"
    rm -rf "$PGDATA"
    mv "$copy" "$PGDATA"
fi
exec "$@"
