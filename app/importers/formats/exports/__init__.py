"""What other systems export: tables, archives of posts, and the addresses that sites gave their files."""
