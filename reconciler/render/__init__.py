"""Values as text for people and programs. Never reads a file, never asks."""
