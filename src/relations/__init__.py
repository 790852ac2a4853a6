"""Relations with other applications: requests and answers."""
