/* Asks the server once a second whether anything changed, and only then lets the tabs redraw.
   Also: Ctrl+Enter, the page title, notifications, the colour scheme, and a bar while the connection is lost. */
const beat = 1000;
let known = '', build = '', ended = null, failures = 0, wasPlaying = false, models = null, changedAt = 0, enhanced = 0,
  documents = null, boards = null, attempts = null;

const visible = (selector) => {
  const found = document.querySelector(selector);
  return Boolean(found && found.offsetParent !== null);
};
const playing = () => {
  const video = document.querySelector('#result video');
  return Boolean(video && !video.paused && !video.ended);
};
const chime = () => {
  let audio;
  try {
    audio = new AudioContext();
  } catch {
    return; /* no sound device: the picture on the page tells it too */
  }
  [[660, 0], [880, 0.16]].forEach(([pitch, delay]) => {
    const tone = audio.createOscillator(), gain = audio.createGain(), start = audio.currentTime + delay;
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0.0001, start);
    gain.gain.exponentialRampToValueAtTime(0.16, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.5);
    tone.connect(gain).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.55);
  });
  setTimeout(() => audio.close(), 1200);
};
const tell = (news) => {
  if (news.sound) chime();
  const asked = 'Notification' in window && Notification.permission === 'granted';
  if (news.browser && asked) new Notification(news.ended.title, { body: news.ended.text, tag: news.ended.id });
};
const scheme = (theme) => {
  try { localStorage.setItem('wgp-theme', theme); } catch { /* private mode: the choice lives on the server anyway */ }
  const dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.body.classList.toggle('dark', dark);
};
/* The page's head puts the colour scheme into the address for Gradio to read; nobody needs to see it there. */
const clearAddress = () => {
  const url = new URL(location.href);
  if (!url.searchParams.has('__theme')) return;
  url.searchParams.delete('__theme');
  history.replaceState(null, '', url);
};
/* The list of models is drawn anew only around the moments when work begins or ends, so that an answer that came late
   does not stay; the bar of what runs is drawn at each step. */
const hearModels = (news) => {
  if (!visible('#models-head')) return;
  const before = models;
  models = news;
  if (before && before.states !== news.states) changedAt = Date.now();
  const table = Date.now() - changedAt < 2.5 * beat;
  if (table || !before || before.ticks !== news.ticks) trigger('models', { table });
};
/* The list of collections is drawn anew when work begins or ends; what runs, at each step. */
const hearDocuments = (news) => {
  if (!visible('#documents-body')) return;
  const before = documents;
  documents = news;
  if (!before || before.ticks !== news.ticks) trigger('documents', { list: !before || before.states !== news.states });
};
/* Frames appear one by one: the board is drawn anew at each step of the work on it, and once more when that ends. */
const hearBoards = (news) => {
  if (!visible('#board-body')) return;
  const before = boards;
  boards = news;
  if (!before || before.ticks !== news.ticks) trigger('boards', { list: !before || before.states !== news.states });
};
const hearAttempts = (news) => {
  if (!visible('#attempts-body')) return;
  const before = attempts;
  attempts = news;
  if (!before || before.ticks !== news.ticks) trigger('attempts', {});
};
const hear = (news) => {
  if (build && news.build !== build) return document.body.classList.add('w-updated');
  if (!build) clearAddress();
  build = news.build;
  scheme(news.theme);
  hearModels(news.models);
  hearDocuments(news.documents);
  hearBoards(news.boards);
  hearAttempts(news.attempts);
  if (news.enhance !== enhanced) trigger('enhance', {});
  enhanced = news.enhance;
  const resumed = wasPlaying && !playing();
  wasPlaying = playing();
  if (news.version === known && !resumed) return;
  if (news.version !== known) {
    document.title = news.title;
    if (ended !== null && news.ended.id && news.ended.id !== ended) tell(news);
    ended = news.ended.id;
  }
  known = news.version;
  trigger('stage', { playing: wasPlaying });
  if (visible('#queue-list')) trigger('jobs', {});
};
const ask = async () => {
  try {
    const news = await server.poll({ known });
    if (!news || !news.version) throw new Error('no answer');
    failures = 0;
    hear(news);
  } catch {
    failures += 1;
  }
  document.body.classList.toggle('w-offline', failures > 1);
  if (element.isConnected) setTimeout(ask, document.hidden ? 3 * beat : beat);
};
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !event.target.closest('#prompt')) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event('change', { bubbles: true }));
  setTimeout(() => document.querySelector('#generate')?.click(), 30);
});
element.addEventListener('click', (event) => {
  if (event.target.closest('.w-reload')) location.reload();
});
ask();
