"""What requests cost: expensive ones searched for, and functions counted between a handler and SQL."""
