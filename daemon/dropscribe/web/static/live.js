// The view that is always up to date: takes fragments of the page from the server and puts them in their places.
// The server has escaped every text in them. A hidden page lets go of its connection: a browser has only six.

let source = null;

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
    document.dispatchEvent(new Event("fresh"));
  };
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    close();
    lost();
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
setInterval(() => document.hidden && fetch("/alive").catch(() => {}), 120_000);
listen();
