"""The model families, one file each, behind `model.Model`; `catalogue` lists them from simple to costly."""
