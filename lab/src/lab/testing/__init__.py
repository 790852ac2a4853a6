"""What tests need of the lab: a model of Juju in memory, charms to deploy, work on a machine."""
