"""What several tests share: archives with articles in them, clients, servers, and sites to read from."""
