"""A model on disk: raw arrays and JSON, nothing that can run code, and a digest that must fit."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers import hashing, language
from crawler.errors import RelicwatchError

FORMAT = 1
WEIGHTS_FILE, METADATA_FILE, CARD_FILE = "listing_weights.npz", "listing_model.json", "listing_card.json"


class ModelError(RelicwatchError):
    """The model's files are missing, damaged or of another version."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    flagged: float
    medium: float
    strong: float


@dataclass(frozen=True, slots=True)
class Weights:
    """Everything a classifier computes with."""

    name: str
    hashed: NDArray[np.float16]
    lexicon: dict[str, float]
    languages: NDArray[np.float16]
    intercept: float
    slope: float
    shift: float
    """score = 1 / (1 + exp(-(slope * margin + shift)))"""
    thresholds: Thresholds
    lexicon_digest: str

    @property
    def digest(self) -> str:
        """SHA-256 over every number the score depends on."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.hashed, dtype="<f2").tobytes())
        digest.update(np.ascontiguousarray(self.languages, dtype="<f2").tobytes())
        digest.update(json.dumps(self._numbers(), sort_keys=True).encode())
        return digest.hexdigest()

    def _numbers(self) -> dict[str, Any]:  # plain JSON: what the metadata file holds besides the digest
        return {
            "format": FORMAT,
            "name": self.name,
            "lexicon": self.lexicon,
            "intercept": self.intercept,
            "slope": self.slope,
            "shift": self.shift,
            "thresholds": asdict(self.thresholds),
            "lexicon_digest": self.lexicon_digest,
        }

    def save(self, directory: Path) -> None:
        """Write the weights and their metadata into `directory`; the same weights give the same bytes."""
        directory.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(directory / WEIGHTS_FILE, hashed=self.hashed, languages=self.languages)
        metadata = {**self._numbers(), "sha256": self.digest}
        text = json.dumps(metadata, ensure_ascii=False, indent=1, sort_keys=True)
        (directory / METADATA_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Weights:
        """Read a model. Raises ModelError where a file is missing, damaged, swapped or of another format."""
        try:
            metadata = json.loads((directory / METADATA_FILE).read_text(encoding="utf-8"))
            # opened here, because np.load leaves a damaged file open
            with (directory / WEIGHTS_FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                hashed, languages = arrays["hashed"], arrays["languages"]
        except FileNotFoundError as error:
            raise ModelError(
                f"No model lies in {directory} ({error.filename} is missing): train one, or reinstall."
            ) from error
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"The model in {directory} is damaged ({error}): train it again, or reinstall.") from error
        if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
            raise ModelError(f"The model in {directory} is not of format {FORMAT}: train it again with this version.")
        shapes = (hashed.shape, hashed.dtype, languages.shape)
        if shapes != ((hashing.SLOTS,), np.float16, (language.SLOTS, len(language.LATIN))):
            raise ModelError(f"The weights in {directory} have the wrong shape: train it again with this version.")
        try:
            weights = cls(
                name=metadata["name"],
                hashed=hashed,
                lexicon=metadata["lexicon"],
                languages=languages,
                intercept=metadata["intercept"],
                slope=metadata["slope"],
                shift=metadata["shift"],
                thresholds=Thresholds(**metadata["thresholds"]),
                lexicon_digest=metadata["lexicon_digest"],
            )
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"{directory / METADATA_FILE} lacks what a model needs ({error}): train it again."
            ) from error
        if weights.digest != metadata.get("sha256"):
            raise ModelError(
                f"The weights in {directory} do not fit the digest in {METADATA_FILE}:"
                " a file was changed or swapped; train the model again, or reinstall."
            )
        return weights
