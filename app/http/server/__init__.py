"""All that knows uvicorn: connections, their limits, how a response is sent, and the process that serves.

`self_check` compares what is overridden here with what is installed, before a server starts.
"""
