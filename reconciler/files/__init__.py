"""The files people write: YAML with positions, schemas, and what is wrong with them. Never touches a vendor."""
