/* Buttons inside HTML: [data-action] fires a click event with its data, [data-copy] copies, [data-confirm] asks first.
   The question hangs on the body: the list below it may be drawn anew meanwhile, which must not take it away. */
const ask = (button, go) => {
  document.querySelector('.w-confirm')?.remove();
  const box = Object.assign(document.createElement('div'), { className: 'w-confirm' });
  const yes = Object.assign(document.createElement('button'), { type: 'button', className: 'w-btn armed' });
  yes.textContent = button.dataset.confirm;
  box.append(yes);
  document.body.append(box);
  const { right, bottom } = button.getBoundingClientRect();
  box.style.left = `${Math.max(12, right - box.offsetWidth)}px`;
  box.style.top = `${Math.min(bottom + 6, innerHeight - box.offsetHeight - 12)}px`;
  const from = scrollY;
  const close = () => {
    box.remove();
    document.removeEventListener('pointerdown', away, true);
    document.removeEventListener('scroll', scrolled);
  };
  const away = (event) => { if (!box.contains(event.target)) close(); };
  const scrolled = () => { if (Math.abs(scrollY - from) > 24) close(); };  /* the event of a scroll before it comes late */
  document.addEventListener('pointerdown', away, true);
  document.addEventListener('scroll', scrolled);
  box.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });
  yes.addEventListener('click', () => { close(); go(); });
  yes.focus({ preventScroll: true });
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
  const { confirm, ...data } = button.dataset;
  const go = () => trigger('click', data);
  if (confirm) ask(button, go);
  else go();
});
