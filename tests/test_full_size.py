"""Stable Diffusion 1.5's real width trains and generates on this class of machine."""

import json

import pytest
import torch

from imagpose.data.mannequin_folder import MannequinSet, write
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_two_steps_and_one_canvas_at_the_width_of_stable_diffusion(tmp_path, monkeypatch):
    pass
