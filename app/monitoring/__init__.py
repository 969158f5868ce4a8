"""What monitoring systems and load balancers read from one server. Changes nothing."""
