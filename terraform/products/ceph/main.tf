locals {
  config = merge({ storage-backend = "ceph" }, var.lxd_cluster.config)
}

module "lxd_cluster" {
  source = "../../charm"

  app_name           = var.lxd_cluster.app_name
  base               = var.base
  channel            = var.lxd_cluster.channel
  config             = local.config
  constraints        = var.lxd_cluster.constraints
  endpoint_bindings  = var.lxd_cluster.endpoint_bindings
  model_uuid         = var.model_uuid
  resources          = var.lxd_cluster.resources
  revision           = var.lxd_cluster.revision
  storage_directives = var.lxd_cluster.storage_directives
  units              = var.lxd_cluster.units
}

resource "juju_application" "ceph_mon" {
  name       = var.ceph_mon.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "ceph-mon"
    channel  = var.ceph_mon.channel
    revision = var.ceph_mon.revision
    base     = var.base
  }

  units       = var.ceph_mon.units
  config      = var.ceph_mon.config
  constraints = var.ceph_mon.constraints
}

resource "juju_application" "ceph_osd" {
  name       = var.ceph_osd.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "ceph-osd"
    channel  = var.ceph_osd.channel
    revision = var.ceph_osd.revision
    base     = var.base
  }

  units              = var.ceph_osd.units
  config             = var.ceph_osd.config
  constraints        = var.ceph_osd.constraints
  storage_directives = var.ceph_osd.storage_directives
}

resource "juju_integration" "ceph_mon_ceph_osd" {
  model_uuid = var.model_uuid

  application {
    name     = juju_application.ceph_mon.name
    endpoint = "osd"
  }

  application {
    name     = juju_application.ceph_osd.name
    endpoint = "mon"
  }
}

resource "juju_integration" "lxd_cluster_ceph_mon" {
  model_uuid = var.model_uuid

  application {
    name     = module.lxd_cluster.app_name
    endpoint = module.lxd_cluster.requires.ceph
  }

  application {
    name     = juju_application.ceph_mon.name
    endpoint = "client"
  }
}
