"""The shipped classifier, loaded once for the whole room."""

import pytest

from classifiers.listing import ListingClassifier


@pytest.fixture(scope="session")
def classifier() -> ListingClassifier:
    return ListingClassifier.load()
