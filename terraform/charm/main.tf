resource "juju_application" "lxd_cluster" {
  name       = var.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "lxd-cluster"
    channel  = var.channel
    revision = var.revision
    base     = var.base
  }

  units              = var.units
  config             = var.config
  constraints        = var.constraints
  endpoint_bindings  = var.endpoint_bindings
  machines           = var.machines
  resources          = var.resources
  storage_directives = var.storage_directives

  lifecycle {
    precondition {
      condition     = var.machines == null || var.units == null
      error_message = "Set machines or units, not both: if you name machines, set units to null."
    }
  }
}
