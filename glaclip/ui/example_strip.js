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
