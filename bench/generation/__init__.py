"""What jobs cost: python -m bench.generation."""
