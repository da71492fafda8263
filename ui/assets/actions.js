/* Buttons inside HTML: [data-action] fires a click event with its data, [data-copy] copies, [data-confirm] asks twice. */
const disarm = (button) => {
  if (!button.dataset.label) return;
  button.textContent = button.dataset.label;
  delete button.dataset.label;
  button.classList.remove('armed');
};
const copy = async (button) => {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  button.classList.add('copied');
  setTimeout(() => button.classList.remove('copied'), 1400);
};
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-action], [data-copy]');
  if (!button || button.disabled || !element.contains(button)) return;
  if (button.dataset.copy !== undefined) return void copy(button);
  if (button.dataset.confirm && !button.dataset.label) {
    button.dataset.label = button.textContent;
    button.textContent = button.dataset.confirm;
    button.classList.add('armed');
    setTimeout(() => disarm(button), 4000);
    return;
  }
  disarm(button);
  const { confirm, label, ...data } = button.dataset;
  trigger('click', { ...data });
});
