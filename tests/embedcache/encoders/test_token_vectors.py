"""Token vectors, read from the file of a model or from a copy."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from embedcache.encoders.token_vectors import open_token_vectors, save_token_vectors

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("name", ["embeddings.weight", "bert.embeddings.weight"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_vectors_are_read_from_the_file_of_the_model(tmp_path, name, dtype):
    model, folder = tmp_path / "model", tmp_path / "converted"
    model.mkdir()
    folder.mkdir()
    other = torch.zeros(7, dtype=torch.uint8)
    tensors = {"a": other, name: torch.from_numpy(VECTORS).to(dtype)}
    save_file(tensors, model / "model.safetensors")
    save_token_vectors(VECTORS, "embeddings.weight", model, folder)
    assert (folder / "tokens.npy").exists() == (dtype == torch.bfloat16)
    assert np.array_equal(open_token_vectors(folder, model), VECTORS)


def test_vectors_that_are_in_no_file_are_copied(tmp_path):
    save_file({"embeddings.weight": torch.zeros(4, 3)}, tmp_path / "model.safetensors")
    save_token_vectors(VECTORS, "embeddings.weight", tmp_path, tmp_path)
    assert np.array_equal(open_token_vectors(tmp_path, tmp_path), VECTORS)


def test_damaged_files_that_a_model_does_not_use_are_ignored(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\n"
    (tmp_path / "a.safetensors").write_bytes(pointer)  # read as a header of 2e18 bytes
    (tmp_path / "b.safetensors").write_bytes(b"")
    (tmp_path / "c.safetensors").write_bytes((2).to_bytes(8, "little") + b"{]")
    save_file({"embeddings.weight": torch.from_numpy(VECTORS)}, tmp_path / "model.safetensors")
    save_token_vectors(VECTORS, "embeddings.weight", tmp_path, tmp_path)
    assert (tmp_path / "tokens.json").exists()
    assert np.array_equal(open_token_vectors(tmp_path, tmp_path), VECTORS)
