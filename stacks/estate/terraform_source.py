"""The estate provider's address, apart from the provider, which takes half a second to import."""

SOURCE = "registry.terraform.io/prestage/estate"
"""Written out in full, because OpenTofu and Terraform fill in different hosts."""
