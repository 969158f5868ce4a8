"""Sitemaps of the web site (sitemaps.org, with Google's extensions for images and news), and `robots.txt`."""
