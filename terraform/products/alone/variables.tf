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
