"""Files that people open: encoding, probing, embedded settings, posters, images and frame checks."""
