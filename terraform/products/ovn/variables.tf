variable "base" {
  description = "Operating system of the machines."
  type        = string
  default     = "ubuntu@24.04"
  nullable    = false
}

variable "lxd_cluster" {
  description = "The application lxd-cluster: inputs of the charm's module."
  type = object({
    app_name           = optional(string, "lxd-cluster")
    channel            = optional(string, "latest/edge")
    config             = optional(map(string), {})
    constraints        = optional(string)
    endpoint_bindings  = optional(set(object({ space = string, endpoint = optional(string) })))
    resources          = optional(map(string))
    revision           = optional(number)
    storage_directives = optional(map(string))
    units              = optional(number, 3)
  })
  default  = {}
  nullable = false
}

variable "model_uuid" {
  description = "UUID of the model."
  type        = string
  nullable    = false
}

variable "ovn_central" {
  description = "The application ovn-central, OVN's databases."
  type = object({
    app_name    = optional(string, "ovn-central")
    channel     = optional(string, "24.03/stable")
    config      = optional(map(string), {})
    constraints = optional(string)
    revision    = optional(number)
    units       = optional(number, 3)
  })
  default  = {}
  nullable = false
}

variable "ovn_chassis" {
  description = "The application ovn-chassis, OVN's controller on each machine of lxd-cluster."
  type = object({
    app_name = optional(string, "ovn-chassis")
    channel  = optional(string, "24.03/stable")
    config   = optional(map(string), {})
    revision = optional(number)
  })
  default  = {}
  nullable = false
}

variable "uplink" {
  description = "The uplink of OVN's networks: a bridge or a free network card of each machine, and the addresses that OVN may use there."
  type = object({
    name    = optional(string, "up")
    parent  = string
    gateway = optional(string)
    ranges  = optional(string)
    dns     = optional(string)
  })
  nullable = false
}

variable "vault" {
  description = "The application vault, which issues certificates. You must unseal it by hand."
  type = object({
    app_name    = optional(string, "vault")
    channel     = optional(string, "1.8/stable")
    config      = optional(map(string), {})
    constraints = optional(string)
    revision    = optional(number)
    units       = optional(number, 1)
  })
  default  = {}
  nullable = false
}
