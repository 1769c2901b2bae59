"""Reports: one HTML page with the scores of runs and with the text that was scored."""
