"""This machine: snapd, block devices, interfaces, packages, files, LXD's daemon and database."""
