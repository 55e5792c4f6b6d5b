// Keeps a page up to date: the server sends what has changed, rendered. Everything else works without this script.

const address = document.body.dataset.live;
const state = document.getElementById("live-state");
let stream = null;

function say(isOn) {
  if (!state) return;
  state.textContent = isOn ? state.dataset.on : state.dataset.off;
  state.dataset.state = isOn ? "on" : "off";
}

function show(event) {
  const { id, html } = JSON.parse(event.data);
  const place = document.getElementById(id);
  // Whoever reads or types there is not disturbed: the next change comes in a second.
  if (place && !place.contains(document.activeElement)) place.innerHTML = html;
}

function open() {
  if (stream || !address) return;
  stream = new EventSource(address);
  stream.addEventListener("open", () => say(true));
  stream.addEventListener("error", () => say(false));
  stream.addEventListener("fragment", show);
  // The page itself is out of date: what it shows has come to an end, or the session has.
  stream.addEventListener("reload", () => location.reload());
}

function close() {
  stream?.close();
  stream = null;
}

// A page that nobody sees costs nothing.
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", open);
open();
