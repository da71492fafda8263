"""Code that trains the models shipped with the product. The product itself never imports it."""
