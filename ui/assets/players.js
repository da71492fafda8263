/* Players in step: one clock for all videos of a round, and for the two that are compared on the canvas.
   The markup may be drawn anew at any time; the clock and the choices live here and are put back. */
const clock = { at: 0, playing: false, speed: 1, loop: false, round: '' };
const compared = { open: innerWidth > 960, a: '', b: '', mode: 'wipe', wipe: 50 };
const sides = { a: document.createElement('video'), b: document.createElement('video') };
for (const video of Object.values(sides)) Object.assign(video, { muted: true, playsInline: true, preload: 'auto' });

const one = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const onCanvas = () => (compared.open ? Object.values(sides).filter((video) => video.src) : []);
const videos = () => [...all('.w-version video'), ...onCanvas()];
const lengthOf = (video) => (Number.isFinite(video.duration) ? video.duration : 0);
const total = () => Math.max(0, ...videos().map(lengthOf));
const frame = () => 1 / (Number(one('.w-version video')?.dataset.fps) || 24);

const show = () => {
  const long = total(), scrub = one('[data-scrub]');
  if (!scrub) return;
  if (long) scrub.max = long;
  scrub.value = clock.at;
  one('.w-transport output').textContent = `${clock.at.toFixed(1)} / ${long.toFixed(1)} s`;
  one('[data-play]').textContent = clock.playing ? 'Pause' : 'Play';
  for (const curve of all('.w-curve')) {
    const share = Math.min(1, clock.at / (Number(curve.dataset.seconds) || 1));
    curve.querySelector('.w-needle').style.left = `${100 * share}%`;
  }
  paint();
};
const place = (video, at) => {
  const to = Math.min(at, Math.max(0, lengthOf(video) - 0.001));
  if (Math.abs(video.currentTime - to) > 0.001) video.currentTime = to;
};
const seek = (at) => {
  clock.at = Math.min(Math.max(0, at), total());
  for (const video of videos()) place(video, clock.at);
  show();
};
const start = (video) => {
  video.playbackRate = clock.speed;
  if (clock.at < lengthOf(video)) video.play().catch(() => {});
};
const pause = () => {
  clock.playing = false;
  for (const video of videos()) video.pause();
  seek(clock.at);
};
const play = () => {
  if (!total()) return;
  if (clock.at >= total() - 0.05) seek(0);
  clock.playing = true;
  for (const video of videos()) start(video);
  show(); /* the button says Pause at once */
  requestAnimationFrame(beat);
};
/* The longest video leads; the others are moved where they have drifted from it by more than a frame or two. */
const beat = () => {
  if (!clock.playing) return;
  if (!element.isConnected) return void pause();
  const lead = videos().reduce((best, video) => (!best || lengthOf(video) > lengthOf(best) ? video : best), null);
  if (!lead) return void pause();
  clock.at = lead.currentTime;
  for (const video of videos()) {
    if (video !== lead && !video.ended && Math.abs(video.currentTime - Math.min(clock.at, lengthOf(video))) > 0.09) {
      place(video, clock.at);
    }
  }
  show();
  if (lead.ended || clock.at >= total() - 0.01) {
    if (!clock.loop) return void pause();
    seek(0);
    for (const video of videos()) start(video);
  }
  requestAnimationFrame(beat);
};
const toggle = () => (clock.playing ? pause() : play());
const step = (count) => {
  if (clock.playing) pause();
  seek(clock.at + count * frame());
};

/* -- two versions on one canvas -- */
const ready = (video) => video.src && video.readyState >= 2 && video.videoWidth;
const paint = () => {
  const canvas = one('.w-compare canvas');
  if (!canvas || !compared.open || !ready(sides.a) || !ready(sides.b)) return;
  const { videoWidth: width, videoHeight: height } = sides.a;
  if (canvas.width !== width || canvas.height !== height) {
    Object.assign(canvas, { width, height });
    canvas.style.setProperty('--ratio', width / height);
  }
  const pen = canvas.getContext('2d');
  pen.globalCompositeOperation = 'source-over';
  pen.filter = 'none';
  pen.drawImage(sides.a, 0, 0, width, height);
  if (compared.mode === 'difference') {
    pen.globalCompositeOperation = 'difference';
    pen.drawImage(sides.b, 0, 0, width, height);
    pen.globalCompositeOperation = 'source-over';
    pen.filter = 'brightness(4)';
    pen.drawImage(canvas, 0, 0);
    return;
  }
  const edge = Math.round((width * compared.wipe) / 100);
  if (edge < width) pen.drawImage(sides.b, (edge / width) * sides.b.videoWidth, 0, (1 - edge / width) * sides.b.videoWidth,
    sides.b.videoHeight, edge, 0, width - edge, height);
  pen.fillStyle = '#fff';
  pen.fillRect(edge - Math.max(1, width / 640), 0, Math.max(2, width / 320), height);
};
const compare = () => {
  const box = one('.w-compare');
  if (!box) return;
  box.dataset.mode = compared.mode;
  for (const [name, video] of Object.entries(sides)) {
    const option = box.querySelector(`[data-side=${name}]`).selectedOptions[0];
    compared[name] = option?.value ?? '';
    const source = compared.open && option ? new URL(option.dataset.src, location.href).href : '';
    if (source && video.src !== source) video.src = source;
  }
  box.querySelector('[data-told]').textContent = compared.mode === 'difference'
    ? 'Black where both are the same; differences are shown four times as bright.'
    : 'A is on the left of the line, B on the right. Drag in the picture or move the slider.';
  if (compared.open) seek(clock.at);
};
for (const video of Object.values(sides)) {
  video.addEventListener('loadeddata', () => {
    place(video, clock.at);
    if (clock.playing) start(video);
    paint();
  });
  video.addEventListener('seeked', paint);
}

/* -- markup that was drawn anew gets its state back -- */
const restore = () => {
  const box = one('.w-players');
  if (!box) return void (clock.playing && pause());
  if (box.dataset.restored) return;
  box.dataset.restored = 'yes';
  if (clock.round !== box.dataset.round) Object.assign(clock, { round: box.dataset.round, at: 0, playing: false });
  const speed = one('[data-speed]');
  if (speed) {
    speed.value = String(clock.speed);
    one('[data-loop]').checked = clock.loop;
  }
  const panel = one('.w-compare');
  if (panel) {
    for (const name of ['a', 'b']) {
      const select = panel.querySelector(`[data-side=${name}]`);
      if ([...select.options].some((option) => option.value === compared[name])) select.value = compared[name];
    }
    panel.querySelector(`[value=${compared.mode}]`).checked = true;
    panel.querySelector('[data-wipe]').value = compared.wipe;
    panel.open = compared.open;
    compare();
  }
  for (const video of all('.w-version video')) {
    video.addEventListener('loadedmetadata', () => {
      place(video, clock.at);
      if (clock.playing) start(video);
      show();
    });
    video.addEventListener('error', () => video.closest('.w-picture').classList.add('broken'));
  }
  show();
};
new MutationObserver(restore).observe(element, { childList: true, subtree: true });
restore();

/* -- hands -- */
const momentOf = (event) => {
  const curve = event.target.closest('.w-curve');
  if (!curve) return null;
  const { left, width } = curve.getBoundingClientRect();
  return { curve, at: Math.min(1, Math.max(0, (event.clientX - left) / width)) * Number(curve.dataset.seconds) };
};
const wipeTo = (event) => {
  const { left, width } = event.target.getBoundingClientRect();
  compared.wipe = Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width));
  one('[data-wipe]').value = compared.wipe;
  paint();
};
element.addEventListener('click', (event) => {
  const bad = event.target.closest('.w-bad');
  if (bad) return seek(Number(bad.dataset.at));
  if (event.target.closest('[data-play]') || event.target.closest('.w-version video')) return toggle();
  const by = event.target.closest('[data-step]');
  if (by) return step(Number(by.dataset.step));
  if (event.target.closest('[data-action=again]')) {
    document.querySelector('#attempts-again')?.scrollIntoView({ behavior: 'smooth', block: 'center' });
  }
  const moment = momentOf(event);
  if (moment) seek(moment.at);
});
element.addEventListener('pointermove', (event) => {
  if (event.target.matches('.w-compare canvas') && event.buttons && compared.mode === 'wipe') return wipeTo(event);
  const moment = momentOf(event);
  if (!moment) return;
  moment.curve.querySelector('.w-moment').textContent = `${moment.at.toFixed(1)} s`;
  if (event.buttons) seek(moment.at);
});
element.addEventListener('pointerdown', (event) => {
  if (event.target.matches('.w-compare canvas') && compared.mode === 'wipe') wipeTo(event);
});
element.addEventListener('input', (event) => {
  if (event.target.matches('[data-scrub]')) {
    if (clock.playing) pause();
    seek(Number(event.target.value));
  } else if (event.target.matches('[data-wipe]')) {
    compared.wipe = Number(event.target.value);
    paint();
  }
});
element.addEventListener('change', (event) => {
  const field = event.target;
  if (field.matches('[data-speed]')) {
    clock.speed = Number(field.value);
    for (const video of videos()) video.playbackRate = clock.speed;
  } else if (field.matches('[data-loop]')) clock.loop = field.checked;
  else if (field.matches('[data-side]')) compare();
  else if (field.name === 'w-mode') {
    compared.mode = field.value;
    compare();
  }
});
element.addEventListener('toggle', (event) => {
  if (!event.target.matches('.w-compare') || !event.target.isConnected) return;
  compared.open = event.target.open;
  compare();
}, true);
element.addEventListener('pointerover', (event) => {
  const row = event.target.closest('.w-scores [data-dim]');
  const card = event.target.closest('.w-version');
  for (const line of card?.querySelectorAll('polyline') ?? []) {
    line.classList.toggle('dim', Boolean(row) && line.dataset.dim !== row.dataset.dim);
  }
});
element.addEventListener('keydown', (event) => {
  if (!event.target.closest('.w-players') || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.matches('select, textarea, summary, [data-action], [data-wipe], a, input[type=radio], input[type=checkbox]')) return;
  if (event.key === ' ' && event.target.matches('button')) return; /* the button is pressed */
  const keys = { ' ': toggle, k: toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: () => seek(0),
    End: () => seek(total()) };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
