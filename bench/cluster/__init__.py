"""Several nodes on one database under load, while some of them are killed, stopped or replaced."""
