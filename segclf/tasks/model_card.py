"""The model card of an exported model: a README.md in the format of the Hugging Face Hub."""

from typing import Any

from huggingface_hub import ModelCard, ModelCardData

_TEMPLATE = """\
---
{{ card_data }}
---

# {{ name }}

This model finds paragraphs: it predicts for each sentence whether it begins a new paragraph.
It was trained with segtool{{ " " ~ record.versions.segtool if record.versions }}.

## Usage
{% if record.encoder %}
```
segtool segment new.txt --run {{ name }}
```

A head on sentence vectors can also be loaded with `BoundaryClassifier.from_pretrained`.
{% else %}
```python
BoundaryClassifier.from_pretrained("{{ name }}")
```

The model was fitted on sentence vectors and needs vectors from the same encoder. The encoder is not
recorded.
{% endif %}
## Model

{% for option, value in record.options.items() if value is not none -%}
- {{ option | replace("_", " ") }}: {{ value }}
{% endfor -%}
{% if record.start -%}
- started from: {{ record.start.name }}
{% endif -%}
{% if record.encoder -%}
- encoder: `{{ record.encoder.name }}`
{% if record.encoder.pooling -%}
- pooling: {{ record.encoder.pooling }}
{% endif -%}
- encoder fingerprint: `{{ record.encoder.fingerprint }}`
{% if record.has_encoder %}
The encoder is in this folder; no download is needed.
{% else %}
The encoder is not in this folder. segtool loads it by name and checks its fingerprint.
{% endif -%}
{% endif -%}
{% if record.counts %}
## Data

The corpus is {{ record.corpus }}. The sentence rule is {{ record.sentence_rule }}.

| split | sentences | boundaries |
| --- | --- | --- |
{% for split, counts in record.counts.items() -%}
| {{ split }} | {{ "{:,}".format(counts.sentences) }} | {{ "{:,}".format(counts.boundaries) }} |
{% endfor -%}
{% endif -%}
{% if record.scores %}
## Scores

The threshold is {{ "%.3f" | format(record.threshold) }} and was chosen on the dev split.
Pk and WindowDiff are error rates: lower is better.

| split | precision | recall | F1 | Pk | WindowDiff |
| --- | --- | --- | --- | --- | --- |
{% for split, scores in record.scores.items() -%}
| {{ split }} {% for name in ("precision", "recall", "f1", "pk", "window_diff") -%}
| {{ "%.3f" | format(scores[name]) }} {% endfor -%} |
{% endfor -%}
{% endif -%}
"""


def model_card(name: str, record: dict[str, Any]) -> str:
    """Return the model card of a model: its usage, options, encoder, data and scores.

    Args:
        name: Name of the model.
        record: Content of the model's config.json. Sections whose content is missing in the record
            are left out.
    """
    data = ModelCardData(
        library_name="segtool",
        tags=["text-segmentation"],
        language=record.get("language"),
    )
    card = ModelCard.from_template(data, template_str=_TEMPLATE, name=name, record=record)
    return f"{card}\n"
