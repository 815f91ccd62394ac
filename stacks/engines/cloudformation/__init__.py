"""CloudFormation: templates of what a plan declares on AWS. A renderer only; people apply them."""
