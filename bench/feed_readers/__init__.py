"""What readers of feeds make of ours, field by field, beside what the API says of the same articles."""
