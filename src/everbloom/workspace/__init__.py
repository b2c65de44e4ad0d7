"""What is not a run's: namespaces, projects, experiments. Transactional, migrated, backed up; nothing is derived.

Loading it loads SQLAlchemy, so the local read path does without; see docs/decisions/0004.
"""
