"""Many visitors on one machine; no gradio here."""
