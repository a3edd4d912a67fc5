"""Versions of packages: those that a requirements file pins, and those that are installed."""

from importlib import metadata

from pipeline.base.errors import InputError


def pinned(text: str) -> dict[str, str]:
    """The version by normalized name of each package that a requirements file has this machine install.

    Raises:
        InputError: a requirement names no single version.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        wanted = line.partition("#")[0].partition("--hash")[0].strip()
        if not wanted:
            continue
        try:
            requirement = Requirement(wanted)
            (pin,) = [one.version for one in requirement.specifier if one.operator == "=="]
        except (InvalidRequirement, ValueError):
            raise InputError(f"requirement {wanted!r}: expected NAME==VERSION") from None
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = pin
    return found


def installed() -> dict[str, str]:
    """The version by normalized name of every package that this Python finds."""
    from packaging.utils import canonicalize_name

    return {canonicalize_name(one.metadata["Name"]): one.version for one in metadata.distributions()}
