"""The mannequins, and their set in every published layout."""

import pytest

from imagpose.data.readers.deepfashion import DeepFashion
from tests.data import layouts


@pytest.fixture(scope="module")
def mannequins(mannequin_root):
    return DeepFashion(mannequin_root)


@pytest.fixture(scope="module")
def exported(mannequins, tmp_path_factory):
    """Each layout's folder, written once."""
    roots = {}
    for export in (*layouts.DEEPFASHION, layouts.market):
        roots[export.__name__] = tmp_path_factory.mktemp(export.__name__)
        export(mannequins, roots[export.__name__])
    return roots
