"""What an image is made of: bills of materials, and statements on what is not in it."""
