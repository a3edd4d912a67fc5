"""A browser is found, or installed, or its lack told in one line."""

import os
import shutil

import browser
import pytest


@pytest.fixture
def commands(monkeypatch):
    """What would be run, and nothing is; nothing is installed."""
    run = []
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(browser, "_succeeds", lambda *command: run.append(command) or False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return run


def test_the_systems_browser_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(shutil, "which", {"google-chrome": "/opt/chrome"}.get)
    assert browser.system_browser() == "/opt/chrome"


def test_playwrights_own_is_installed_otherwise(commands, monkeypatch):
    monkeypatch.setattr(browser, "_succeeds", lambda *command: commands.append(command) or True)
    assert browser.install("/nowhere/chrome") == "/nowhere/chrome"
    assert [command[1:] for command in commands] == [("-m", "playwright", "install", "chromium")]


def test_what_is_there_already_is_not_installed_again(commands, tmp_path):
    (tmp_path / "chrome").touch()
    assert browser.install(str(tmp_path / "chrome")) == str(tmp_path / "chrome")
    assert commands == []


def test_debians_is_the_last_resort_of_root(commands, monkeypatch):
    found = {"apt-get": "/usr/bin/apt-get"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", found.get)

    def run(*command):
        commands.append(command)
        if command[:2] == ("apt-get", "install"):
            found["chromium"] = "/usr/bin/chromium"
        return command[0] == "apt-get"

    monkeypatch.setattr(browser, "_succeeds", run)
    assert browser.install("/nowhere/chrome") == "/usr/bin/chromium"
    assert [command[0] for command in commands][1:] == ["apt-get", "apt-get"]


def test_without_any_one_line_says_what_to_install(commands):
    with pytest.raises(
        browser.NoBrowserError, match=r"apt-get install chromium\), or run `python -m playwright"
    ):
        browser.install("/nowhere/chrome")
    assert "\n" not in browser.NONE
    assert len(commands) == 1
