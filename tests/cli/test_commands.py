"""The command line as a person uses it: help that teaches, exit codes, JSON, and no surprise when a server runs."""

import json
import re
import sqlite3
import tarfile
from pathlib import Path

import pytest

from segue.config import HELP, Config, load
from segue.errors import ConfigError
from segue.testing.server import RunningServer, run_segue

COMMANDS = ["serve", "scan", "library", "user", "token", "backup", "restore", "doctor", "demo-library", "lastfm-app", "analyse", "encoder"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_teaches(command: str) -> None:
    said = run_segue(command, "--help").stdout
    assert len(said) > 200
    assert "Usage" in said


def test_wrong_usage_exits_2_and_failure_exits_1(tmp_path: Path) -> None:
    assert run_segue("nonsense", check=False).returncode == 2
    assert run_segue("scan", "--nonsense", check=False).returncode == 2
    failed = run_segue("user", "passwd", "nobody", "--password-stdin", "--data", str(tmp_path / "data"), stdin="12345678\n", check=False)
    assert failed.returncode == 1
    assert "There is no user 'nobody'" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_user_and_token_work_before_the_first_serve(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    run_segue("user", "add", "anna", "--password-stdin", *data, stdin="a good password\n")
    made = json.loads(run_segue("token", "create", "--user", "Anna", "--name", "phone", "--json", *data).stdout)
    assert set(made) == {"id", "user", "name", "kind", "secret", "scopes", "expires_at"}
    assert (made["user"], made["kind"]) == ("anna", "app")
    short = run_segue("user", "add", "ben", "--password-stdin", *data, stdin="short\n", check=False)
    assert short.returncode == 1
    assert run_segue("user", "add", "ANNA", "--password-stdin", *data, stdin="a good password\n", check=False).returncode == 1


def test_commands_go_to_the_running_server(server: RunningServer, demo_library: Path) -> None:
    report = json.loads(server.segue("scan", str(demo_library), "--json").stdout)
    assert set(report) == {"tracks", "added", "changed", "moved", "missing", "unchanged", "seconds", "findings"}
    assert report["unchanged"] == report["tracks"] >= 60
    again = run_segue("serve", str(demo_library), "--data", str(server.data), check=False)
    assert again.returncode == 1
    assert "Another Segue process" in again.stderr


def test_doctor_tells_every_setting_and_where_it_came_from(server: RunningServer) -> None:
    said = json.loads(server.segue("doctor", "--json").stdout)
    assert {row["setting"] for row in said["settings"]} == set(HELP)
    assert said["problems"] == []
    assert said["facts"]["server"].startswith("running")


def test_backup_and_restore_bring_everything_back(server: RunningServer, tmp_path: Path) -> None:
    server.segue("user", "add", "kept", "--password-stdin", stdin="kept-password\n")
    archive = tmp_path / "backup.tar"
    server.segue("backup", str(archive))
    assert archive.stat().st_mode & 0o077 == 0
    assert server.segue("backup", str(archive), check=False).returncode == 1
    assert server.segue("restore", str(archive), check=False).returncode == 1, "not while the server runs"
    other = tmp_path / "other"
    run_segue("restore", str(archive), "--data", str(other))
    assert "kept" in run_segue("user", "list", "--data", str(other)).stdout

    cut = tmp_path / "cut.tar"
    cut.write_bytes(archive.read_bytes()[:20_000])
    refused = run_segue("restore", str(cut), "--data", str(other), check=False)
    assert refused.returncode == 1
    assert "kept" in run_segue("user", "list", "--data", str(other)).stdout, "a bad archive changes nothing"
    with tarfile.open(archive) as members:
        assert set(members.getnames()) >= {"segue.db", "events.db", "secret.key", "manifest.json"}


def test_settings_come_from_flags_then_environment_then_file(tmp_path: Path) -> None:
    (tmp_path / "segue.toml").write_text('port = 1111\nbase_url = "music"\ntrusted_proxies = ["10.0.0.0/8"]\n')
    found = load(tmp_path, {"port": None}, {"SEGUE_PORT": "2222", "SEGUE_WATCH": "false"})
    assert (found.config.port, found.config.base_url, found.config.watch) == (2222, "/music", False)
    assert (found.origins["port"], found.origins["base_url"], found.origins["host"]) == ("environment SEGUE_PORT", "segue.toml", "default")
    assert load(tmp_path, {"port": 3333}, {"SEGUE_PORT": "2222"}).config.port == 3333
    for bad in ({"SEGUE_PORT": "many"}, {"SEGUE_LOG_LEVEL": "loud"}, {"SEGUE_TRUSTED_PROXIES": "me"}, {"SEGUE_BASE_URL": "/../x"}):
        with pytest.raises(ConfigError, match=next(iter(bad)).removeprefix("SEGUE_").lower()):
            load(tmp_path, {}, bad)
    (tmp_path / "segue.toml").write_text("prot = 1\n")
    with pytest.raises(ConfigError, match="no setting 'prot'"):
        load(tmp_path, {}, {})


def test_a_secret_setting_is_shown_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "segue.toml").write_text('lastfm_secret = "hush-hush"\nlastfm_api_key = "not-so"\n')
    for options in ((), ("--json",)):
        said = run_segue("doctor", "--data", str(tmp_path), *options, check=False)
        assert "hush-hush" not in said.stdout + said.stderr
        assert "not-so" in said.stdout
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {"lastfm_secret": 7}, {})
    assert "7" not in str(caught.value).partition(": ")[0]


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", page, re.MULTILINE))
    assert rows == HELP
    assert set(Config.__struct_fields__) == set(HELP)


def test_a_scan_without_a_server_matches_what_was_heard_elsewhere(tmp_path: Path, demo_library: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    run_segue("user", "add", "ann", "--admin", "--password-stdin", *data, stdin="ann-password\n")
    export = tmp_path / "scrobbles.csv"
    export.write_text("uts,artist,album,track\n1709287260,Kestrel Row,,Weir Song\n")
    brought = json.loads(run_segue("import", "lastfm", str(export), "--user", "ann", "--json", *data).stdout)
    assert (brought["new"], brought["matched"]) == (1, 0)
    run_segue("scan", str(demo_library), *data)
    with sqlite3.connect(tmp_path / "data" / "segue.db") as connection:
        assert connection.execute("SELECT count(*) FROM listen JOIN track ON track.id = listen.track_id").fetchone() == (1,)
