#!/bin/sh
# Makes a database cluster whose user postgres has the password POSTGRES_PASSWORD, and serves it.
set -eu
data=/tmp/data
umask 077
printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
initdb --pgdata "$data" --username postgres --pwfile /tmp/password --auth scram-sha-256 --no-sync >/dev/null
rm /tmp/password
echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
unset POSTGRES_PASSWORD
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
