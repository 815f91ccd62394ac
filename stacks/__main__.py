"""What `pulumi up` runs at the root of this repository: Pulumi.yaml has `main: stacks/`."""

import stacks.program

stacks.program.main()
