"""Pure ASGI layers around all routes. None of them knows a route."""
