"""The paper's tables: facts, plans, and when scores may stand beside them."""
