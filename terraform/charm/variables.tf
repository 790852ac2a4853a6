variable "app_name" {
  description = "Name of the application in the model."
  type        = string
  default     = "lxd-cluster"
  nullable    = false
}

variable "base" {
  description = "Operating system of the machines, such as ubuntu@24.04. Null lets Juju choose."
  type        = string
  default     = null
}

variable "channel" {
  description = "Channel of the charm on Charmhub."
  type        = string
  default     = "latest/edge"
  nullable    = false
}

variable "config" {
  description = "Options of the charm, by name. Write numbers and truth values as text."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "constraints" {
  description = "Constraints of the machines, such as \"cores=4 mem=16G\". Null means none."
  type        = string
  default     = null
}

variable "endpoint_bindings" {
  description = "Spaces: an entry without endpoint is the default, the others are exceptions. Null lets the model decide."
  type = set(object({
    space    = string
    endpoint = optional(string)
  }))
  default = null
}

variable "machines" {
  description = "Identifiers of existing machines: each gets a unit. Set units to null with them."
  type        = set(string)
  default     = null
}

variable "model_uuid" {
  description = "UUID of the model."
  type        = string
  nullable    = false
}

variable "resources" {
  description = "Revisions of the charm's resources, by name. Null takes those released with the charm."
  type        = map(string)
  default     = null
}

variable "revision" {
  description = "Revision of the charm. Null takes the newest of the channel."
  type        = number
  default     = null
}

variable "storage_directives" {
  description = "Juju storage, by name, such as { local = \"maas,100G\" }. Null means none."
  type        = map(string)
  default     = null
}

variable "units" {
  description = "Number of units, and so of members. A cluster needs at least three to survive the loss of one."
  type        = number
  default     = 3
}
