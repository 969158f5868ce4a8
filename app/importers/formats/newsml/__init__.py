"""IPTC's XML for news: NITF and NewsML-G2."""
