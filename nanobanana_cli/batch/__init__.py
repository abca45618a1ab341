"""Many images from one manifest: resumable, within a budget, never paid for twice."""
