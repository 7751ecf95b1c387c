"""How the documentation is built: ``python -m sphinx -W -b html docs docs/_build/html``."""

project = "Orket"
author = "the Orket authors"
project_copyright = author
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "Orket"
myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 3
