"""Word vectors: the files that contain them, and the tokens that are looked up in them."""

from embedcache.words.ginza import open_ginza_vectors
from embedcache.words.tokenizers import Forms, Tokenizer, tokenizer_for
from embedcache.words.vectors import WordVectors, open_vector_file
from embedcache.words.vocabulary import Vocabulary

__all__ = [
    "Forms",
    "Tokenizer",
    "Vocabulary",
    "WordVectors",
    "open_ginza_vectors",
    "open_vector_file",
    "tokenizer_for",
]
