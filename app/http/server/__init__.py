"""What reaches into uvicorn: connections, their limits, and how a response is sent."""
