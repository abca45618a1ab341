"""Ask for texts of images, check them, and save them: all of `nb caption` and `--alt`."""
