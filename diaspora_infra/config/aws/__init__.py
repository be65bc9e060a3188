"""The key `aws`: the pod on AWS, what AWS offers, and which settings follow from it."""
