"""Shipped for tests of Everbloom and of what builds on it: contract suites, builders, fakes, fault injectors."""
