"""What each request does and answers, a module for each kind of object."""
