"""Find the images of Markdown and HTML pages that lack alt text, and put it there."""
