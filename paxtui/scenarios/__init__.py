"""Named scenarios, as data, and their runner: real processes, real faults, and a verdict over every log.

- :mod:`vocabulary`: the verbs and conditions that a scenario file may use;
- :mod:`model`: from a file to a :class:`~paxtui.scenarios.model.Scenario`, with every mistake named;
- :mod:`runner`: one run from the first process to the verdict;
- :mod:`steps` and :mod:`conditions`: what a step does, and what it waits for;
- :mod:`verdict`: what must hold at the end of every run, as pure functions.
"""
