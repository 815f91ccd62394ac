"""Engines render declarations and run them: Terraform (or OpenTofu) and Pulumi, behind one small port."""
