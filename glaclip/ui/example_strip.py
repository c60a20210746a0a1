"""A row of shipped photos to choose from."""

from __future__ import annotations

from typing import Any

import gradio as gr

_HTML = '<div class="strip" role="group" aria-label="Example photos"></div>'
_CSS = """
.strip { display: flex; gap: 8px; overflow-x: auto; padding: 3px 3px 10px; scrollbar-width: thin; }
.strip button { flex: 0 0 112px; margin: 0; padding: 0; border: 0; border-radius: 9px; background: none;
  color: var(--body-text-color-subdued); font: 500 12px/1.3 var(--font); text-align: left; cursor: pointer; }
.strip img { display: block; width: 112px; height: 75px; margin-bottom: 5px; border-radius: 8px; object-fit: cover; }
.strip button:hover, .strip button[aria-pressed="true"] { color: var(--body-text-color); }
.strip button[aria-pressed="true"] img { box-shadow: 0 0 0 2px var(--background-fill-primary), 0 0 0 4px var(--color-accent); }
.strip button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 3px; }
"""
_JS = """
const strip = element.querySelector('.strip');
function set() {
  const value = props.value || {items: [], chosen: ''};
  strip.replaceChildren(...value.items.map((item, index) => {
    const button = document.createElement('button'), image = document.createElement('img');
    button.type = 'button'; button.dataset.name = item.name;
    image.src = item.image; image.alt = '';
    button.title = item.alt;
    button.setAttribute('aria-pressed', String(item.name === value.chosen));
    button.append(image, document.createTextNode(item.title));
    button.onclick = () => {
      [...strip.children].forEach((other) => other.setAttribute('aria-pressed', String(other === button)));
      trigger('select', {index, value: item.name, selected: true});
    };
    return button;
  }));
}
watch('value', set);
set();
"""


class ExampleStrip(gr.HTML):  # type: ignore[misc]
    """Buttons with thumbnails; `.select` gives the example's name as `value`."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=_HTML,
            css_template=_CSS,
            js_on_load=_JS,
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """The value is a JSON object."""
        return {"type": "object"}
