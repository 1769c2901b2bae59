"""Recipes of the ready models in segclf/models."""
