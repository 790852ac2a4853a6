"""A fuzzer for all that others write and the charm reads. See __main__.py."""
