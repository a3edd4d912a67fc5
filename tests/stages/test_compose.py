"""The flows by which a value reaches the stages, each through the real `dvc`, up to `prepare`."""

import json

import pytest

DIGITS = ("-S", "data=digits")


def test_an_edit_of_conf_reaches_the_stages_at_dvc_repro(project):
    project.edit("conf/config.yaml", "data: fashion_mnist", "data: digits")
    project.dvc("repro", "prepare")
    project.edit("conf/data/digits.yaml", "validation_fraction: 0.2", "validation_fraction: 0.5")
    output = project.dvc("repro", "prepare")
    assert "data.validation_fraction: 0.2 -> 0.5" in output
    assert "Stage 'fetch' didn't change" in output
    counts = json.loads(project.read("data/prepared/dataset.json"))["counts"]
    # 1,797 digits, of which a fifth (360) is for testing.
    assert counts == {"train": 718, "validation": 719, "test": 360}


def test_an_edit_of_params_survives_dvc_repro(trained, tmp_path):
    project = trained.copied(tmp_path / "project")
    project.edit("params.yaml", "validation_fraction: 0.2", "validation_fraction: 0.4")
    output = project.dvc("repro", "prepare")
    assert "kept" in output
    assert project.params().data.validation_fraction == 0.4
    assert json.loads(project.read("data/prepared/dataset.json"))["counts"]["validation"] == 575


def test_overrides_of_exp_run_reach_the_stages_and_an_idle_repro_does_nothing(project):
    output = project.dvc("exp", "run", *DIGITS, "-S", "data.validation_fraction=0.3", "prepare")
    assert "to keep them" not in output
    assert project.params().data.validation_fraction == 0.3
    assert json.loads(project.read("data/prepared/dataset.json"))["counts"]["validation"] == 432
    output = project.dvc("repro", "prepare")
    assert "Running stage" not in output
    assert "up to date" in output


def test_exp_run_names_the_values_of_params_that_it_does_not_take(project):
    for old, new in (("seed: 42\nconf", "seed: 7\nconf"), ("  epochs: 10", "  epochs: 4")):
        project.edit("params.yaml", old, new)
    project.edit("params.yaml", "  batch_size: 32", "  batch_size: 64")
    project.commit()
    output = project.dvc("exp", "run", *DIGITS, "-S", "train.batch_size=16", "compose")
    told = output.split("give these values of params.yaml by `-S` too, to keep them:\n")[1].splitlines()
    # Not batch_size, which was asked for, nor what comes with data=digits.
    assert told[:2] == ["  seed: 7 -> 42", "  train.epochs: 4 -> 10"]
    assert not told[2].startswith("  ")
    assert "kept" not in output
    assert "composed by dvc" in output


def test_queued_overrides_reach_each_of_their_experiments(project):
    values = "data.validation_fraction=0.3,0.4"
    project.dvc("exp", "run", "--queue", *DIGITS, "-S", values, "prepare")
    project.dvc("exp", "run", "--run-all")
    shown = json.loads(project.dvc("exp", "show", "--json"))
    rows = [experiment["revs"][0] for experiment in shown[1]["experiments"]]
    fractions = {row["data"]["params"]["params.yaml"]["data"]["data"]["validation_fraction"] for row in rows}
    assert fractions == {0.3, 0.4}
    assert {row["data"]["params"]["params.yaml"]["data"]["data"]["name"] for row in rows} == {"digits"}


def test_an_edit_of_conf_keeps_the_chosen_groups_and_names_each_value_that_it_drops(project):
    project.dvc("exp", "run", *DIGITS, "-S", "seed=7", "compose")
    project.edit("conf/train/default.yaml", "epochs: 10 ", "epochs: 12 ")
    output = project.dvc("repro", "compose")
    assert "seed: 7 -> 42" in output
    assert "train.epochs: 10 -> 12" in output
    assert "data.name" not in output
    assert project.params().data.name == "digits"


@pytest.mark.parametrize("flow", ["exp run", "repro"])
def test_a_wrong_value_is_one_line_before_any_other_stage(project, flow):
    if flow == "repro":
        project.edit("params.yaml", "epochs: 10", "epochs: ten")
        output = project.dvc("repro", fails=True)
    else:
        output = project.dvc("exp", "run", "-S", "train.epochs=ten", fails=True)
    assert len([line for line in output.splitlines() if line.startswith("error: train.epochs: ")]) == 1
    assert "'ten'" in output
    assert "Running stage 'fetch'" not in output
    assert "Traceback" not in output


def test_a_wrong_edit_of_conf_leaves_params_as_they_were(project):
    before = project.read("params.yaml")
    project.edit("conf/train/default.yaml", "patience: 2 ", "patience: -2 ")
    assert "error: train.patience: " in project.dvc("repro", "compose", fails=True)
    assert project.read("params.yaml") == before
