"""Machines that run tests are busy: a time limit on each example would only fail by chance."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
