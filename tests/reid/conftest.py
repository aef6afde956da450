from pathlib import Path

import pytest

from imagpose.data.mannequins.cameras import CameraSet, write

SMALL = CameraSet(people=6, test_people=3, distractors=2, junk=3)


@pytest.fixture(scope="session")
def market(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data") / "reid"
    write(root, SMALL)
    return root
