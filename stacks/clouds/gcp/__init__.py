"""Google Cloud, read through its REST APIs."""
