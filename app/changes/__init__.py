"""The change log and those who follow it. Knows ids and numbers, no articles."""
