"""Nobody without the token gets at a cluster, and Ray reports its use to nobody."""

import os
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.cluster import checks, head

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()


@pytest.mark.parametrize("mode", ["disabled", "", "TOKEN"])
def test_a_cluster_without_a_token_is_refused(mode):
    with pytest.raises(InputError, match=f"RAY_AUTH_MODE: received {mode}, expected token"):
        head._check_token({"RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": "a" * 32})


def test_a_token_is_enough(tmp_path):
    head._check_token({"RAY_AUTH_TOKEN": "a" * 32})
    head._check_token({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(tmp_path)})


def test_the_use_of_ray_is_not_reported_by_what_is_started_here(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "check", lambda root, start: "origin")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 32)
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_AUTH_MODE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    seen = {}

    def connect(settings):
        seen.update(os.environ)
        raise InputError("far enough")

    monkeypatch.setattr(head, "connect", connect)
    with (
        pytest.raises(InputError, match="far enough"),
        head.opened(tmp_path, "s", "c", {"init": {}}, tmp_path, print),
    ):
        pass
    assert (seen["RAY_USAGE_STATS_ENABLED"], seen["RAY_AUTH_MODE"]) == ("0", "token")


def test_the_document_turns_reports_off_and_tokens_on_before_it_starts_ray():
    before = DOCUMENT[: DOCUMENT.index("ray start --head")]
    assert "export RAY_USAGE_STATS_ENABLED=0" in before
    assert "export RAY_AUTH_MODE=token" in before
    assert "ray start --head --port=6379 --include-dashboard=false --disable-usage-stats" in DOCUMENT
