"""Nodes that lack a package, with a stand-in for Ray; docs/cluster.md was tried on three hosts by hand."""

import sys
from types import SimpleNamespace

import pytest

from pipeline.base.errors import InputError
from pipeline.sweeps import cluster


class Ray:
    """Nodes by id: processors, and what they answer; None never does."""

    def __init__(self, **nodes):
        self._nodes = nodes

    def nodes(self):
        return [
            {"NodeID": node, "NodeManagerHostname": f"host-{node}", "Alive": True, "Resources": {"CPU": cpus}}
            for node, (cpus, _) in self._nodes.items()
        ]

    def remote(self, **_):
        def options(label_selector):
            return SimpleNamespace(remote=lambda: label_selector["ray.io/node-id"])

        return lambda probe: SimpleNamespace(options=options)

    def wait(self, asked, **_):
        silent = [node for node in asked if self._nodes[node][1] is None]
        return [node for node in asked if node not in silent], silent

    def get(self, node):
        return self._nodes[node][1]


@pytest.fixture
def lacking(monkeypatch):
    def ask(**nodes):
        monkeypatch.setitem(sys.modules, "ray", Ray(**nodes))
        return cluster._lacking(2)

    return ask


def test_a_node_that_lacks_a_package_or_is_silent_is_named_and_takes_no_job(lacking, capsys):
    found = lacking(good=(2, ""), bare=(4, "dvc, keras"), mute=(2, None), small=(1, ""))
    assert sorted(found) == ["bare", "mute"]
    printed = capsys.readouterr().out
    assert "host-bare: it lacks dvc, keras" in printed
    assert "host-mute" in printed
    assert "host-good" not in printed


@pytest.mark.parametrize("nodes", [{"bare": (2, "dvc")}, {"small": (1, "")}, {}])
def test_a_cluster_without_a_node_for_a_job_is_refused(lacking, nodes):
    with pytest.raises(InputError, match="no node can take a job"):
        lacking(**nodes)


def test_what_is_missing_is_looked_for_where_the_question_is_asked(monkeypatch):
    assert cluster._missing() == ""
    monkeypatch.setattr(cluster, "PACKAGES", ("dvc", "no_such_package"))
    assert cluster._missing() == "no_such_package"
