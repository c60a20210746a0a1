"""What Gradio needs to be worked around; each file names the version and what ends it."""
