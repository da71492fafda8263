"""The starter model: a tiny Wan trained on a small, procedurally drawn world."""
