"""The vendors the sandbox imitates. Adding one is a file beside this one and a line here."""

from reconciler.sandbox.google import GOOGLE
from reconciler.sandbox.shop import SHOP
from reconciler.sandbox.stripe import STRIPE
from reconciler.sandbox.vendor import Vendor
from reconciler.sandbox.vercel import VERCEL

VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (STRIPE, VERCEL, SHOP, GOOGLE)}
