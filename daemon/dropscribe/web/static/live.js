// The view that is always up to date: takes fragments of the page from the server and puts them in their places.
// The server has escaped every text in them. A hidden page lets go of its connection: a browser has only six.

const MISSES = 3; // failed tries in a row after which nobody answers any more
let source = null, misses = 0;

function put(part, html) {
  const place = document.querySelector(`[data-part="${part}"]`);
  if (!place || place.innerHTML === html) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  place.innerHTML = html;
  if (focused) document.getElementById(focused)?.focus();
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource("/events");
  source.onmessage = (event) => {
    for (const [part, html] of Object.entries(JSON.parse(event.data))) put(part, html);
    misses = 0;
  };
  source.onerror = () => {
    misses += 1;
    if (misses >= MISSES) lost(); // it goes on trying by itself
  };
}

function close() {
  source?.close();
  source = null;
}

function lost() {
  put("notice", '<p class="notice bad"><strong>This page is not served any more.</strong> Open it again with <code>dropscribe web</code>.</p>');
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : listen()));
addEventListener("pagehide", close);
addEventListener("pageshow", listen);
listen();
