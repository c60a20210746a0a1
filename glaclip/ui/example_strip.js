const strip = element.querySelector('.strip');
const press = (name) => [...strip.children].forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.name === name)));
const set = () => press(props.value && props.value.chosen);
strip.replaceChildren(...props.items.map((item, index) => {
  const button = document.createElement('button'), image = document.createElement('img');
  button.type = 'button'; button.dataset.name = item.name;
  image.src = item.image; image.alt = '';
  button.title = item.alt;
  button.append(image, document.createTextNode(item.title));
  button.onclick = () => {
    press(item.name);
    trigger('select', {index, value: item.name, selected: true});
  };
  return button;
}));
watch('value', set);
set();
