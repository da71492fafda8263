"""What happens to words before they reach an engine."""
