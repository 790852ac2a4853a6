#!/bin/sh
# join.sh CGROUP.PROCS... -- COMMAND...: go into the control groups, then become the command.
while [ "$1" != -- ]; do
    echo $$ 2>/dev/null >"$1"
    shift
done
shift
exec "$@"
