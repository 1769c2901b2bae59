"""The workspace on disk: corpora, fitted encoders and runs."""
