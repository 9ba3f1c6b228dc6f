"""Google Cloud, Firebase and Firestore, over REST: https://cloud.google.com/apis/docs/overview."""
