"""Where secret values come from. Values exist only here and inside a provider's call."""
