"""What is let go of an archive's past where settings say that not everything is kept: in short transactions, as often
as is wanted, and whatever moment it is cut off at."""
