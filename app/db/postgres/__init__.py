"""What PostgreSQL alone needs: its address, connections that break, and a replica that is read."""
