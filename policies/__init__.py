"""Plan in, `Review` out: rules with codes and levels, exemptions with owner and expiry.

Pure, but for `pack/`, which runs the same rules inside `pulumi preview --policy-pack policies/pack`. Start at
`review.review_plan`; the rules are listed in `registry.RULES`.
"""
