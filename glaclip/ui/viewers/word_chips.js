const box = element.querySelector('.chips');
const button = (text, value, title) => {
  const made = document.createElement('button');
  made.type = 'button'; made.textContent = text; made.title = title;
  made.onclick = () => { trigger('select', {value}); made.hidden = true; };
  return made;
};
const set = () => {
  const {note = '', former = [], next = []} = props.value ?? {};
  const line = document.createElement('p');
  line.textContent = note;
  line.setAttribute('role', 'status');
  const back = former.length ? [button('Keep the former words', former, former.join(', '))] : [];
  for (const made of back) made.className = 'back';
  const more = next.map((word) => button(`+ ${word}`, word, 'Adds this word'));
  box.replaceChildren(...(note ? [line] : []), ...back, ...more);
};
watch('value', set);
set();
