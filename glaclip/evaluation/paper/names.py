"""Names that the command line offers, in a module that does not wait for PyTorch."""

TABLE_NAMES = ("TABLE1", "ABLATION")
#: How a row is run; see `glaclip.evaluation.paper.table`.
TEXT, RELEASED = SETTINGS = ("paper", "released")
#: Words for the classes: the released lists, or this project's presets.
WORDS = ("field", "project")
