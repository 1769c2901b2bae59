"""The model card of a ready model, written from the records of its heads."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from segclf.corpus import BoundaryType

_TEMPLATE = """\
---
{{ card_data }}
---

# {{ name }}

This model finds the paragraphs of texts by authors that it has never seen.
It was trained on: {{ description }}.

## Usage

```
segtool segment book.txt --model {{ name }}
```

## Model

Each type of boundary has a head on the vectors of the frozen encoder `{{ any.encoder.name }}`.

| type | head | window | parameters | thresholds |
| --- | --- | --- | --- | --- |
{% for type, head in heads.items() -%}
| {{ type }} | {{ head.options.head }} | {{ head.options.window }} \
| {{ "{:,}".format(head.parameters) }} | {% for language, threshold in thresholds[type].items() -%}
{{ ", " if not loop.first }}{{ language }} {{ "%.3f" | format(threshold) }}{% endfor %} |
{% endfor %}
`any`: a paragraph or a line of dialogue begins. `paragraph`: a paragraph begins, which Japanese
novels show by an indent. A model without the type `paragraph` does not distinguish the two.

## Data

No author is in two splits. The epoch and the thresholds were chosen on dev.

| split | works | sentences | {% for type in heads %}{{ type }} | {% endfor %}
| --- | --- | --- | {% for type in heads %}--- | {% endfor %}
{% for split, counts in any.counts.items() -%}
| {{ split }} | {{ counts.documents }} | {{ "{:,}".format(counts.sentences) }} | \
{% for head in heads.values() %}{{ "{:,}".format(head.counts[split].boundaries) }} | {% endfor %}
{% endfor %}
## Scores

Pk and WindowDiff are error rates: lower is better.

| type | split | precision | recall | F1 | Pk | WindowDiff |
| --- | --- | --- | --- | --- | --- | --- |
{% for type, head in heads.items() -%}
{% for split, scores in head.scores.items() -%}
| {{ type }} | {{ split }} | {% for score in scores.values() -%}
{{ "%.3f" | format(score) }} | {% endfor %}
{% endfor -%}
{% endfor -%}
"""


def model_card(name: str, content: dict[str, Any], heads: Mapping[BoundaryType, Any]) -> str:
    """Return the card of a model, in Markdown.

    Args:
        name: Name of the model.
        content: Content of the model's model.json.
        heads: Content of each head's config.json, by type of boundary.
    """
    data = ModelCardData(
        library_name="segtool", tags=["text-segmentation"], language=content["languages"]
    )
    card = ModelCard.from_template(
        data,
        template_str=_TEMPLATE,
        name=name,
        description=content["description"],
        thresholds=content["thresholds"],
        heads=heads,
        any=heads["any"],
    )
    return f"{card}\n"
