"""What drives the long runs: writers, rivals, crashes, and what is checked after them. Holds no tests."""
