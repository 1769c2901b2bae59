"""Corpora of a workspace: sentences, labels and splits, and the encoders that embedded them."""

from dataclasses import dataclass

from embedcache import UserError
from embedcache.encoders import Pooling, split_recorded
from segclf.corpus import Corpus
from segclf.corpus.languages import guess_language_of_sentences


@dataclass(frozen=True)
class EncoderReference:
    """A reference to an encoder in the record of a corpus or a run.

    Attributes:
        name: Name that was given to `embedcache.load_encoder`.
        pooling: Pooling that was given to `embedcache.load_encoder`; None for the default.
        fingerprint: Fingerprint of the encoder; for a joined encoder, the fingerprints of its
            parts, joined by "+".
    """

    name: str
    pooling: Pooling | None
    fingerprint: str

    @property
    def parts(self) -> "tuple[EncoderReference, ...]":
        """References to the parts of a joined encoder; for other encoders, this reference only."""
        pairs = split_recorded(self.name, self.fingerprint)
        poolings = [self.pooling, *(None for _ in pairs[1:])]
        return tuple(
            EncoderReference(name, pooling, fingerprint)
            for (name, fingerprint), pooling in zip(pairs, poolings, strict=True)
        )


@dataclass(frozen=True)
class StoredCorpus:
    """A corpus in the workspace.

    Attributes:
        name: Name of the corpus.
        corpus: Sentences, labels and splits.
        sentence_rule: Rule that split the text into sentences.
        language: Code (ISO 639-1) of the language that was set for the rule; None if the language
            was guessed.
        digest: Hash of the ids, sentences, labels and splits of the documents.
        encoders: Encoders that embedded the corpus, the latest last. Their vectors are in the
            store.
    """

    name: str
    corpus: Corpus
    sentence_rule: str
    language: str | None
    digest: str
    encoders: tuple[EncoderReference, ...]

    @property
    def text_language(self) -> str:
        """Code of the language of the text; guessed from the first sentences if it was not set."""
        return self.language or guess_language_of_sentences(self.corpus.sentences)

    def encoder_of(self, model: str, wanted: EncoderReference) -> EncoderReference:
        """Return the encoder of this corpus whose vectors a trained model reads.

        Args:
            model: Name of the model, for the message.
            wanted: Encoder of the model.

        Raises:
            UserError: The corpus is not embedded with this encoder.
        """
        for encoder in self.encoders:
            if encoder.fingerprint == wanted.fingerprint:
                return encoder
        pooling = f" --pooling {wanted.pooling}" if wanted.pooling else ""
        raise UserError(
            f"{model} needs vectors from its encoder, but the corpus {self.name} is not "
            f"embedded with it: run segtool embed with --encoder {wanted.name}{pooling} first"
        )

    def encoder(self, name: str | None = None, pooling: Pooling | None = None) -> EncoderReference:
        """Return the latest encoder of this corpus that has a given name and pooling.

        Args:
            name: Name of the encoder; None for any name.
            pooling: Pooling of the encoder. If it is None and `name` is given, the default pooling
                is preferred, and another pooling is accepted if there is only one. If both are
                None, any pooling is accepted.

        Raises:
            UserError: There is no such encoder, or `pooling` is None and the corpus is embedded
                with several poolings of the encoder `name`, but not with its default pooling.
        """
        matching = [
            encoder
            for encoder in reversed(self.encoders)
            if name in (None, encoder.name) and pooling in (None, encoder.pooling)
        ]
        exact = [encoder for encoder in matching if name and encoder.pooling == pooling]
        poolings = list(dict.fromkeys(str(encoder.pooling) for encoder in matching))
        if name and not exact and len(poolings) > 1:
            raise UserError(
                f"the corpus {self.name} is embedded with {name} and several poolings: "
                f"choose --pooling {' or '.join(reversed(poolings))}"
            )
        if matching:
            return (exact or matching)[0]
        present = ", ".join(_label(encoder.name, encoder.pooling) for encoder in self.encoders)
        raise UserError(
            f"the corpus {self.name} is not embedded with {_label(name, pooling)} but with "
            f"{present}: run segtool embed first"
        )


def _label(name: str | None, pooling: Pooling | None) -> str:
    return " ".join([*([name] if name else []), *([f"--pooling {pooling}"] if pooling else [])])
