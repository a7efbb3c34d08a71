"""Who is near the threshold: by hand, bounds included as the ledger includes them."""

import numpy as np
import pytest

from observatory.errors import NotComputedError
from observatory.gap.near_threshold import near_threshold, near_threshold_words


def test_a_time_is_near_if_its_error_puts_it_on_the_other_side() -> None:
    # 20 minutes, error of a quarter: real minutes lie from estimated ÷ 1.25 to estimated ÷ 0.75.
    minutes = np.array([0.0, 15.0, 15.01, 20.0, 25.0, 25.01, np.inf, np.nan])
    # 15 ÷ 0.75 is 20: still in time. 25 ÷ 1.25 is 20: might be in time.
    expected = [False, False, True, True, True, False, False, False]
    assert near_threshold(minutes, threshold_min=20.0, error_share=0.25).tolist() == expected


def test_without_error_nothing_is_near() -> None:
    assert not near_threshold([19.9, 20.0, 20.1], threshold_min=20.0, error_share=0.0).any()


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_an_error_is_a_share(share: float) -> None:
    with pytest.raises(NotComputedError, match="une part"):
        near_threshold([1.0], threshold_min=20.0, error_share=share)


def test_words_say_which_minutes() -> None:
    said = near_threshold_words(threshold_min=20.0, error_share=0.25)
    assert "entre 15 et 25 minutes" in said
    assert "25,0\u202f%" in said
