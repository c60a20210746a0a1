const strip = element.querySelector('.strip'), line = element.querySelector('.strip-name');
let chosen = '';
// Titles have no room below thumbnails: the line names what is pointed at, or what is chosen.
const say = (name) => { line.textContent = props.items.find((item) => item.name === name)?.title ?? 'Your own photo'; };
const press = (name) => {
  chosen = name;
  [...strip.children].forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.name === name)));
  say(name);
};
const set = () => press(props.value && props.value.chosen);
strip.replaceChildren(...props.items.map((item, index) => {
  const button = document.createElement('button'), image = document.createElement('img');
  button.type = 'button'; button.dataset.name = item.name;
  image.src = item.image; image.alt = '';
  button.setAttribute('aria-label', item.title);
  button.setAttribute('aria-description', item.alt);
  button.append(image);
  button.onpointerenter = button.onfocus = () => say(item.name);
  button.onpointerleave = button.onblur = () => say(chosen);
  button.onclick = () => {
    press(item.name);
    trigger('select', {index, value: item.name, selected: true});
  };
  return button;
}));
watch('value', set);
set();
