"""Runs of a sweep and what they say together: configurations, their spread over seeds, the Pareto front.

Runs that differ in nothing but `seed` and `data.split_seed` are one configuration. Values in, values
out: nothing here reads, writes or draws.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.analysis.groups import DIGESTS, SPLIT_SEED, Group, Run, same_but_draw

ACCURACY = "validation.accuracy"
# No factor: a repetition, what files chose, and what they were.
IGNORED = {"seed", SPLIT_SEED, "data.name", "model.name", "train.name", *DIGESTS}


def override_values(overrides: Sequence[str]) -> dict[str, str]:
    """Hydra overrides as values by name; a deletion (`~key`) has none and is left out."""
    pairs = (text.lstrip("+").partition("=") for text in overrides if not text.startswith("~"))
    return {key.strip(): value for key, _, value in pairs}


def configurations(runs: Sequence[Run]) -> list[Group]:
    """Group runs that differ in their seed or split alone, from few parameters to many.

    Args:
        runs: one or more. Where a seed comes twice on a split of a configuration, the first run stands
            for both.
    """
    alike: list[dict[tuple[Any, Any], Run]] = []
    for run in runs:
        draws = next(
            (one for one in alike if all(same_but_draw(run, member) for member in one.values())), None
        )
        if draws is None:
            alike.append(draws := {})
        draws.setdefault((run.split_seed, run.seed), run)
    members = [tuple(one[draw] for draw in sorted(one)) for one in alike]
    names = _factors([one[0] for one in members])
    values = [{name: _value(one[0], name) for name in names} for one in members]
    labels = _labels([list(row.values()) for row in values])
    found = [Group(*row) for row in zip(members, labels, values, strict=True)]
    return sorted(found, key=lambda c: (c.parameters, *map(order, c.values.values()), c.label))


def _factors(runs: Sequence[Run]) -> list[str]:
    """What was swept: the overrides that differ, or the parameters if those do not tell runs apart."""
    if len(runs) == 1:
        return ["model.filters"]
    overridden = {key: None for run in runs for key in override_values(run.overrides)}
    names = [key for key in overridden if key not in IGNORED and _differs(runs, key)]
    if len({str([_value(run, name) for name in names]) for run in runs}) == len(runs):
        return names
    keys = {key: None for run in runs for key in run.params}
    return [key for key in keys if key not in IGNORED and _differs(runs, key)]


def _differs(runs: Sequence[Run], name: str) -> bool:
    return len({str(_value(run, name)) for run in runs}) > 1


def _value(run: Run, name: str) -> Any:
    """The value itself, or, of a group of values such as `model=lenet`, the name of the group."""
    return run.params.get(name, override_values(run.overrides).get(name, "not set"))


def words(value: Any, digits: int = 3) -> str:
    """A value in a few characters: 8-16 for a list, 0.001 for a number."""
    if isinstance(value, list):
        return "-".join(words(one, digits) for one in value) or "none"
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _labels(rows: Sequence[Sequence[Any]]) -> list[str]:
    """A label for each row of values, with as many digits as tell them apart."""
    for digits in (3, 5, 17):
        labels = [", ".join(words(value, digits) for value in row) for row in rows]
        if len(set(labels)) == len(rows):
            break
    return labels


def order(value: Any) -> tuple[int, float, str]:
    """Sorts values of one kind: numbers by size, lists of numbers by their sum, words by the alphabet."""
    if isinstance(value, list):
        numbers = [one for one in value if isinstance(one, (int, float))]
        return 1, sum(numbers), str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0, value, ""
    return 2, 0, str(value)


def levels_of(found: Sequence[Group], factor: str) -> list[Any]:
    """The values of what was swept, each once, in order."""
    return sorted({str(one.values[factor]): one.values[factor] for one in found}.values(), key=order)


def kind_of(levels: Sequence[object]) -> str:
    """Whether swept values are numbers, lists of numbers (in order of their sums), or words."""
    if all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels):
        return "number"
    return "list" if all(isinstance(level, list) for level in levels) else "word"


def pareto_front(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Points that no other point beats: none costs as little or less and gains as much or more.

    Returns:
        Their numbers, from low cost to high; equal points are all on the front or none.
    """
    points = list(zip(costs, gains, strict=True))

    def beaten(cost: float, gain: float) -> bool:
        return any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points)

    return sorted((n for n, point in enumerate(points) if not beaten(*point)), key=lambda n: costs[n])


def front_of(found: Sequence[Group]) -> list[Group]:
    """Configurations for which no other is as small or smaller and as accurate or more so."""
    gains = [one.estimate(ACCURACY).mean for one in found]
    return [found[index] for index in pareto_front([one.parameters for one in found], gains)]


def best_of(found: Sequence[Group]) -> Group:
    """The highest mean validation accuracy; among equals the one with the fewest parameters."""
    return max(found, key=lambda one: (one.estimate(ACCURACY).mean, -one.parameters))


def cost_of(found: Sequence[Group]) -> str | None:
    """What there is to save: filters where their number was swept, else parameters, else nothing."""
    costs = ("filters", "parameters")
    return next((name for name in costs if len({getattr(one, name) for one in found}) > 1), None)


def as_good_as_the_best(found: Sequence[Group]) -> list[Group]:
    """Those within one standard error of the best; none when the best ran once only.

    References:
        Breiman, Friedman, Olshen and Stone, Classification and regression trees, 1984, section 3.4.3.
    """
    top = best_of(found).estimate(ACCURACY)
    if top.standard_error is None:
        return []
    enough = top.mean - top.standard_error
    return [one for one in found if one.estimate(ACCURACY).mean >= enough]


def smallest_as_good(found: Sequence[Group]) -> Group | None:
    """The cheapest within one standard error of the best; None where that cannot be said."""
    candidates, cost = as_good_as_the_best(found), cost_of(found)
    if not candidates or cost is None:
        return None
    return min(candidates, key=lambda one: (getattr(one, cost), one.parameters, -one.estimate(ACCURACY).mean))
