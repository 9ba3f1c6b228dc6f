"""What the product promises about speed, memory and requests, measured: ``./dev bench``."""
