# SPDX-License-Identifier: GPL-3.0-or-later
"""One module a kind of set; each has SETS: {set: score(folder, items, score)}.

`folder` is the set's, `items` are the facts of its expected.json ({} without),
`score` is a lib.Score.
"""
import importlib
import pkgutil


def all_sets():
    """Lists them: {set: [function]}; several modules may score one set."""
    sets = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for name, function in getattr(module, "SETS", {}).items():
            sets.setdefault(name, []).append(function)
    return sets
