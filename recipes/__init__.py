"""Recipes for the ready models in segclf/models."""
