"""From probabilities to boundaries, and scores of boundaries."""
