output "app_name" {
  description = "Name of the application."
  value       = juju_application.lxd_cluster.name
}

output "provides" {
  description = "Endpoints that other applications may use, by name."
  value       = {}
}

output "requires" {
  description = "Endpoints that need another application, by name."
  value = {
    ceph         = "ceph"
    certificates = "certificates"
    ovsdb        = "ovsdb"
    ovsdb_cms    = "ovsdb-cms"
  }
}
