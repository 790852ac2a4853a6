output "components" {
  description = "Applications of this product, by what they are."
  value = {
    lxd_cluster = module.lxd_cluster.app_name
  }
}

output "provides" {
  description = "Endpoints that other applications may use, by name."
  value       = module.lxd_cluster.provides
}

output "requires" {
  description = "Endpoints of lxd-cluster that want another application, by name."
  value       = module.lxd_cluster.requires
}
