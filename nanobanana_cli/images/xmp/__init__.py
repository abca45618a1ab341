"""Read and write XMP packets in PNG, JPEG and WebP files."""
