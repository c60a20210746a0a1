"""One module a lesson: what it measures, its figure's data, and the view it opens."""
