#!/usr/bin/env bash
# Build the wheel with the player inside, install it in a clean virtual environment, and serve with no Node and no FFmpeg on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
make --silent setup-dev
rm -rf dist
make --silent wheel
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" --disable-pip-version-check -q install --require-hashes -r locks/run.txt
"$work/venv/bin/pip" --disable-pip-version-check -q install --no-deps dist/segue-*.whl
music="$work/music"
.venv/bin/segue demo-library "$music" >/dev/null
cd "$work"
empty="$work/empty"
mkdir "$empty"
PATH="$empty" "$work/venv/bin/segue" user add admin --admin --password-stdin --data "$work/data" <<<"admin-password" >/dev/null
PATH="$empty" "$work/venv/bin/segue" serve "$music" --data "$work/data" --host 127.0.0.1 --port 0 2>"$work/log" &
server=$!
PATH="$empty" "$work/venv/bin/python" - "$work/log" "$work/data" <<'PY'
import json, pathlib, re, subprocess, sys, time, urllib.parse, urllib.request
log, data = pathlib.Path(sys.argv[1]), sys.argv[2]
for _ in range(300):
    if found := re.search(r"Player\S*\s+(http://\S+?)/?\s", log.read_text()):
        break
    time.sleep(0.1)
else:
    sys.exit("the server did not start:\n" + log.read_text())
url = found[1]
segue = str(pathlib.Path(sys.executable).with_name("segue"))
subprocess.run([segue, "scan", "--data", data, "--json"], check=True, stdout=subprocess.DEVNULL)
made = subprocess.run([segue, "token", "create", "--user", "admin", "--name", "wheel", "--data", data, "--json"], check=True, capture_output=True)
who = "u=admin&v=1.16.1&c=wheel&f=json&p=" + json.loads(made.stdout)["secret"]
def get(path): return urllib.request.urlopen(url + path, timeout=30).read()
assert b'<base href="/"' in get("/"), "the player is not in the wheel"
song = json.loads(get(f"/rest/getRandomSongs?{who}&size=1"))["subsonic-response"]["randomSongs"]["song"][0]
assert len(get(f"/rest/stream?{who}&id={song['id']}")) == song["size"]
assert get(f"/rest/stream?{who}&id={song['id']}&format=opus&maxBitRate=64")[:4] == b"OggS"
print(f"wheel: serves the player, {song['title']!r} as it is and as Opus")
PY
