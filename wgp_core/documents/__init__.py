"""From a document to passages that a video can be made of: reading, cleaning, chunks, search."""
