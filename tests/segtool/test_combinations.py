"""Options that contradict each other, or would have no effect, are errors."""

import pytest

from tests.segtool.texts import UNSEEN, mistake


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("embed new.txt --language xx", "no rules for the language 'xx'"),
        ("embed new.txt --pooling max", "--pooling max requires --encoder"),
        ("embed new.txt --split 80/10/20", "--split 80/10/20: use train, dev or test, or shares"),
        ("embed new.txt --encoder surface --precision bfloat16", "has no effect on surface"),
        ("embed new.txt --encoder surface --backend openvino", "has no effect on surface"),
        ("embed new.txt --encoder surface --device cuda", "has no effect on surface"),
        ("embed new.txt --format choi --boundary indent", "no effect on the format choi"),
        ("embed new.txt --format choi --sentences kuten", "no effect on the format choi"),
        ("stats new.txt --format jsonl --boundary line", "no effect on the format jsonl"),
        ("stats stories --boundary line", "leave out the options for reading a path"),
        ("segment new.txt --json --format text", "--json cannot be combined with --format text"),
        ("segment new.txt --sentences --layout keep", "--sentences cannot be combined"),
        ("segment new.txt --output a --output-dir b", "--output cannot be combined"),
        ("segment new.txt --model japanese --run 1", "--model cannot be combined with --run"),
        ("compare 1 1", "mlp-w1-001 cannot be compared with itself"),
        ("report 1 mlp-w1-001", "mlp-w1-001 is given twice"),
        ("sweep --head mlp --set head=bilstm", "head is set twice"),
        ("sweep --set window=1 --set window=2", "window is set twice"),
        ("sweep --gamma 1 --dry-run", "gamma 1 has no effect"),
        ("sweep --jobs 0 --dry-run", "jobs is 0: use 1 or more"),
        ("train --gamma 1", "gamma 1 has no effect"),
        ("train --crop 8", "crop is for document heads"),
        ("train --from mlp-w1-001 --head bilstm", "the trained model has head mlp, not bilstm"),
        ("train --from mlp-w1-001 --encoder ginza", "leave out --encoder"),
        ("eval 1 --type line", "leave out --type"),
        ("eval --workspace typo", "there is no workspace typo: correct --workspace"),
        ("runs --workspace typo", "there is no workspace typo"),
        ("segment new.txt --workspace new.txt", "there is no workspace new.txt"),
        ("store gc", "choose what to remove"),
        ("encoders show surface --pooling mean", "surface has its own pooling"),
    ],
)
def test_a_combination_that_makes_no_sense_is_an_error(trained, cli, arguments, message):
    (trained / "new.txt").write_text(UNSEEN)
    before = sorted(trained.rglob("*"))
    assert message in mistake(cli(trained, *arguments.split()))
    assert sorted(trained.rglob("*")) == before
