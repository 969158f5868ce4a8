"""Addresses on the web: fetched behind a guard, and sites that stand for many pages."""
