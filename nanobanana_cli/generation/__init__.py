"""Makes one image: from typed words to a file."""
