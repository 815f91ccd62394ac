"""The on-premises target: an inventory in SQLite, and thin Terraform and Pulumi providers over it."""
