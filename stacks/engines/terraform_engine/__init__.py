"""Terraform and OpenTofu behind the engine port: roots as JSON, run through python-terraform in one module."""
