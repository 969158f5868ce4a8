"""From the payload of a request to the attributes of an article. Saves nothing."""
