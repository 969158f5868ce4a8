"""PostgreSQL with a standby, nodes, HAProxy and nginx as processes of this machine, on loopback alone, started with the
same files as compose.yaml starts them with. Ends by process id what it has started."""
