output "components" {
  description = "Applications of this product, by their role."
  value = {
    lxd_cluster = module.lxd_cluster.app_name
    ovn_central = juju_application.ovn_central.name
    ovn_chassis = juju_application.ovn_chassis.name
    vault       = juju_application.vault.name
  }
}

output "provides" {
  description = "Endpoints that other applications may use, by name."
  value       = module.lxd_cluster.provides
}

output "requires" {
  description = "Endpoints of lxd-cluster that need another application, by name."
  value       = module.lxd_cluster.requires
}
