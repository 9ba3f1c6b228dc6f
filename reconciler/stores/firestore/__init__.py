"""The shared store: records of an environment as documents of a Firestore database. Google's client comes in late."""
