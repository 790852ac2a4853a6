"""LXD's API, a module for each kind of object. `lxd.api.LxdApi` combines them."""
