"""Relations with other applications: what is asked, what is answered."""
