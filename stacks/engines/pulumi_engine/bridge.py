"""`Bridge`: what Pulumi calls one Terraform type. The tables are in `aws_types` and `google_types`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bridge:
    """A type as Pulumi has it.

    Attributes:
        token: `package:module/type:Class`.
        renamed: arguments, at any depth, that bear another name there: Terraform's to that of the Python class.
    """

    token: str
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        return self.token.partition(":")[0]

    @property
    def module(self) -> str:
        """The Python module of the class: `pulumi_aws.ec2`."""
        return f"pulumi_{self.package}.{self.token.split(':')[1].partition('/')[0]}"

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.token.rpartition(":")[2]
