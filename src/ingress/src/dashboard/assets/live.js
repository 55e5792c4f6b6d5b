// Keeps a page up to date: the server sends what has changed, rendered. Everything else works without this script.

const address = document.body.dataset.live;
const state = document.getElementById("live-state");
// How long to wait when the server refuses: full, starting, or cut off by a proxy.
const PAUSE_MS = 5000;
// What came for places where somebody reads or types: shown when they have left.
const missed = new Map();
let stream = null;

function say(isOn) {
  if (!state) return;
  state.textContent = isOn ? state.dataset.on : state.dataset.off;
  state.dataset.state = isOn ? "on" : "off";
}

function show(event) {
  const { id, html } = JSON.parse(event.data);
  missed.set(id, html);
  catchUp();
}

// Whoever reads or types somewhere is not disturbed there.
function catchUp() {
  for (const [id, html] of missed) {
    const place = document.getElementById(id);
    if (place?.contains(document.activeElement)) continue;
    missed.delete(id);
    if (place) place.innerHTML = html;
  }
}

function open() {
  if (stream || !address || document.hidden) return;
  stream = new EventSource(address);
  stream.addEventListener("open", () => say(true));
  stream.addEventListener("error", lost);
  stream.addEventListener("fragment", show);
  // The page itself is out of date: what it shows has come to an end, or the session has.
  stream.addEventListener("reload", () => location.reload());
}

// A browser connects again by itself, unless it was refused outright.
function lost() {
  say(false);
  if (stream?.readyState !== EventSource.CLOSED) return;
  close();
  setTimeout(open, PAUSE_MS * (1 + Math.random()));
}

function close() {
  stream?.close();
  stream = null;
}

// The focus is elsewhere only after the event.
document.addEventListener("focusout", () => setTimeout(catchUp));
// A page that nobody sees costs nothing.
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", open);
open();
