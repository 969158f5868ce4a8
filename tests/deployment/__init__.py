"""The files of `deploy/`, run by the programs that they are for."""
