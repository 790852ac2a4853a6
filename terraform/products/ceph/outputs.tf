output "components" {
  description = "Applications of this product, by their role."
  value = {
    ceph_mon    = juju_application.ceph_mon.name
    ceph_osd    = juju_application.ceph_osd.name
    lxd_cluster = module.lxd_cluster.app_name
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
