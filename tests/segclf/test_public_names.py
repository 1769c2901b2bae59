"""The public names of `segclf`, which are imported at their first use."""

import segclf


def test_every_public_name_can_be_imported():
    for name in segclf.__all__:
        assert getattr(segclf, name).__name__ == name


def test_completion_lists_the_public_names():
    assert set(segclf.__all__) <= set(dir(segclf))
