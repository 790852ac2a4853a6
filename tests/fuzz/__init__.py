"""A fuzzer for all input that the charm reads. See __main__.py."""
