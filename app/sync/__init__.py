"""What clients follow: the change feed, the event stream, the export."""
