#!/usr/bin/env bash
# Check the systemd unit with systemd's own reader; its program need not be installed here.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's|/opt/segue/bin/segue|/bin/true|' "$(dirname "$0")/segue.service" >"$work/segue.service"
said=$(systemd-analyze verify --man=no "$work/segue.service" 2>&1 | grep -F segue.service || true)
if [ -n "$said" ]; then
    echo "$said"
    exit 1
fi
echo "deploy/segue.service: ok"
