"""What is measured: a script a question."""
