"""Vercel: https://vercel.com/docs/rest-api."""
