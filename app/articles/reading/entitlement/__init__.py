"""What a key with an entitlement reads of the database."""
