"""The model card of an exported model: a README.md as the Hugging Face Hub shows it."""

from typing import Any

from huggingface_hub import ModelCard, ModelCardData

_TEMPLATE = """\
---
{{ card_data }}
---

# {{ name }}

This model finds paragraphs: it predicts whether a new paragraph begins at a sentence.
It was trained with segtool {{ config.versions.segtool }}.

## Usage
{% if config.encoder %}
```
segtool segment new.txt --run {{ name }}
```

A head on sentence vectors can also be loaded with `BoundaryClassifier.from_pretrained`.
{% else %}
```python
BoundaryClassifier.from_pretrained("{{ name }}")
```

The model reads vectors of the encoder that it was fitted with. The encoder is not recorded.
{% endif %}
## Model

{% for option, value in config.options.items() if value is not none -%}
- {{ option | replace("_", " ") }}: {{ value }}
{% endfor -%}
{% if config.encoder -%}
- encoder: `{{ config.encoder.name }}`
{% if config.encoder.pooling -%}
- pooling: {{ config.encoder.pooling }}
{% endif -%}
- fingerprint of the encoder: `{{ config.encoder.fingerprint }}`
{% if config.has_encoder %}
The encoder is in this folder; no download is needed.
{% else %}
The encoder is not in this folder. segtool loads it by its name and checks its fingerprint.
{% endif -%}
{% endif -%}
{% if config.counts %}
## Data

The corpus is {{ config.corpus }}. The sentence rule is {{ config.sentence_rule }}.

| split | sentences | boundaries |
| --- | --- | --- |
{% for split, counts in config.counts.items() -%}
| {{ split }} | {{ "{:,}".format(counts.sentences) }} | {{ "{:,}".format(counts.boundaries) }} |
{% endfor -%}
{% endif -%}
{% if config.scores %}
## Scores

The threshold is {{ "%.3f" | format(config.threshold) }} and was chosen on the dev split.
Pk and WindowDiff are error rates: lower is better.

| split | precision | recall | F1 | Pk | WindowDiff |
| --- | --- | --- | --- | --- | --- |
{% for split, scores in config.scores.items() -%}
| {{ split }} {% for name in ("precision", "recall", "f1", "pk", "window_diff") -%}
| {{ "%.3f" | format(scores[name]) }} {% endfor -%} |
{% endfor -%}
{% endif -%}
"""


def model_card(name: str, config: dict[str, Any]) -> str:
    """Return the model card of a model: its usage, options, encoder, data and scores.

    Args:
        name: Name of the model.
        config: Content of its config.json. The card has no section for what is missing there.
    """
    data = ModelCardData(
        library_name="segtool",
        tags=["text-segmentation"],
        language=config.get("language"),
    )
    card = ModelCard.from_template(data, template_str=_TEMPLATE, name=name, config=config)
    return f"{card}\n"
