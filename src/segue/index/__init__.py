"""Embeddings -> neighbours: exact, approximate, save, swap."""
