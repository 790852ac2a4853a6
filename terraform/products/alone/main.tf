module "lxd_cluster" {
  source = "../../charm"

  app_name           = var.lxd_cluster.app_name
  base               = var.base
  channel            = var.lxd_cluster.channel
  config             = var.lxd_cluster.config
  constraints        = var.lxd_cluster.constraints
  endpoint_bindings  = var.lxd_cluster.endpoint_bindings
  model_uuid         = var.model_uuid
  resources          = var.lxd_cluster.resources
  revision           = var.lxd_cluster.revision
  storage_directives = var.lxd_cluster.storage_directives
  units              = var.lxd_cluster.units
}
