#!/bin/sh
# Starts the Elasticsearch node for tests in the foreground, on 127.0.0.1: run.sh PORT DATADIR
# HOTLINE_ESNODE names the folder that `mvn package` filled; the folder target beside this script when it is not set.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 PORT DATADIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
built=${HOTLINE_ESNODE:-$here/target}
[ -d "$built/lib" ] || { echo "no node in $built: run mvn -q -f $here/pom.xml package" >&2; exit 1; }
mkdir -p "$2"
exec java -Xms256m -Xmx1g -XX:+UseSerialGC -XX:MaxDirectMemorySize=256m \
  -Djava.security.manager=allow -Dlog4j2.formatMsgNoLookups=true -Dio.netty.noUnsafe=false \
  -cp "$built/lib/*" "$here/Launcher.java" "$built/home" "$1" "$(cd "$2" && pwd)"
