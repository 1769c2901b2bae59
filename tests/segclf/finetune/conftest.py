"""Tiny models with random weights, saved as Hugging Face models."""

from pathlib import Path

import pytest

from tests.conftest import STORIES

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def save_tiny_bert(folder: Path, *, dropout: float = 0.1) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir()
    text = "".join(path.read_text() for path in sorted(STORIES.glob("*.txt")))
    characters = sorted({character for character in text if not character.isspace()})
    words = [*SPECIAL, *characters, *(f"##{character}" for character in characters)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def save_tiny_roberta(folder: Path) -> Path:
    """Save a RoBERTa with 40 positions, of which it can use 38: the first two are for padding."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    folder.mkdir()
    special = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>"}
    words = [*special.values(), *"雨夜人手目時日見今前家"]
    model = models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    names = {f"{name}_token": token for name, token in special.items()}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        pad_token_id=1,
        type_vocab_size=1,
    )
    RobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny_roberta(tmp_path_factory.mktemp("models") / "tiny-roberta"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny_bert(tmp_path_factory.mktemp("models") / "tiny-bert"))


@pytest.fixture(scope="session")
def bert_without_dropout(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny BERT without dropout."""
    folder = tmp_path_factory.mktemp("models") / "bert-without-dropout"
    return str(save_tiny_bert(folder, dropout=0.0))
