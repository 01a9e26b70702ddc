"""Charts, laid out for any width, as SVG and PNG; what they show is given."""
