"""What breaks things on purpose: writers, crashes, checkpoints. Small forms of it run with the other tests."""
