# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Runs one history on one side."""

from __future__ import annotations

import time

from tests.conformance.answers import Transcript
from tests.conformance.histories import History
from tests.conformance.model_side import ModelSide
from tests.conformance.real_side import RealSide


def on_model(history: History, generation: str) -> Transcript:
    """The answers of the model of a generation of LXD."""
    side = ModelSide(generation)
    transcript = Transcript(side, lambda: side.cloud.now)
    _play(history, transcript)
    return transcript


def on_real(side: RealSide, history: History) -> Transcript:
    """The answers of real machines, which are reset before."""
    side.fresh()
    transcript = Transcript(side, time.monotonic)
    _play(history, transcript)
    return transcript


def _play(history: History, transcript: Transcript) -> None:
    try:
        history(transcript)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other histories go on
        transcript.broke(error)
