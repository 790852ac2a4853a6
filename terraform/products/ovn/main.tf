locals {
  config = merge(
    {
      network-mode = "ovn"
      network-name = "ovn0"
      networks     = yamlencode({ (var.uplink.name) = merge({ mode = "physical" }, local.uplink) })
      ovn-uplink   = var.uplink.name
    },
    var.lxd_cluster.config,
  )

  # Configuration of the uplink for LXD. The charm decides what is null here.
  uplink = {
    for key, value in {
      parent  = var.uplink.parent
      gateway = var.uplink.gateway
      ranges  = var.uplink.ranges
      dns     = var.uplink.dns
    } : key => value if value != null
  }
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

resource "juju_application" "ovn_central" {
  name       = var.ovn_central.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "ovn-central"
    channel  = var.ovn_central.channel
    revision = var.ovn_central.revision
    base     = var.base
  }

  units       = var.ovn_central.units
  config      = var.ovn_central.config
  constraints = var.ovn_central.constraints
}

# A subordinate: it is on the machines of lxd-cluster, and has no units of its own.
resource "juju_application" "ovn_chassis" {
  name       = var.ovn_chassis.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "ovn-chassis"
    channel  = var.ovn_chassis.channel
    revision = var.ovn_chassis.revision
    base     = var.base
  }

  config = var.ovn_chassis.config
}

resource "juju_application" "vault" {
  name       = var.vault.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "vault"
    channel  = var.vault.channel
    revision = var.vault.revision
  }

  units       = var.vault.units
  config      = var.vault.config
  constraints = var.vault.constraints
}

resource "juju_integration" "lxd_cluster_ovn_chassis" {
  model_uuid = var.model_uuid

  application {
    name     = module.lxd_cluster.app_name
    endpoint = "juju-info"
  }

  application {
    name     = juju_application.ovn_chassis.name
    endpoint = "juju-info"
  }
}

resource "juju_integration" "lxd_cluster_ovn_central" {
  model_uuid = var.model_uuid

  application {
    name     = module.lxd_cluster.app_name
    endpoint = module.lxd_cluster.requires.ovsdb_cms
  }

  application {
    name     = juju_application.ovn_central.name
    endpoint = "ovsdb-cms"
  }
}

resource "juju_integration" "ovn_chassis_ovn_central" {
  model_uuid = var.model_uuid

  application {
    name     = juju_application.ovn_chassis.name
    endpoint = "ovsdb"
  }

  application {
    name     = juju_application.ovn_central.name
    endpoint = "ovsdb"
  }
}

resource "juju_integration" "certificates" {
  for_each = {
    lxd_cluster = {
      name     = module.lxd_cluster.app_name
      endpoint = module.lxd_cluster.requires.certificates
    }
    ovn_central = {
      name     = juju_application.ovn_central.name
      endpoint = "certificates"
    }
    ovn_chassis = {
      name     = juju_application.ovn_chassis.name
      endpoint = "certificates"
    }
  }

  model_uuid = var.model_uuid

  application {
    name     = each.value.name
    endpoint = each.value.endpoint
  }

  application {
    name     = juju_application.vault.name
    endpoint = "certificates"
  }
}
