"""An archive with something hidden in each way, and every way into it."""
