/*
 * What was opened stays readable without a connection: lessons, courses and open quiz papers say on their <html> that
 * they may be kept (data-keep), and are kept on the device with the files they need. Everything else comes from the
 * network alone. A page that was read by somebody else, or by nobody, empties the store: a phone may be shared.
 *
 * A kept page that is shown carries data-from-device on its <html>, so that its script knows how old it may be.
 */
"use strict";

const PAGES = "kept-pages";
const FILES = "kept-files";
const STATE = "kept-state";
const OFFLINE = "/offline";
const UNSENT = "/offline?what=unsent";
const READER = "/kept-reader"; /* names an entry in STATE, no address */
const PATIENCE_MS = 6000; /* so long is waited for the network where there is a kept page */
const MOST_PAGES = 80;
const MOST_FILES = 240;
const ENDS = /^\/sign-out(-everywhere)?$/;
const IS_FILE = /^(style|script|image|font)$/;
const MAY_BE_KEPT = /<html\b[^>]*\sdata-keep[\s>]/;

let signOuts = 0; /* what was asked for before the last of them is kept no more */

/* --- the store -------------------------------------------------------------------------------------------------- */

function keyOf(address) {
  const url = new URL(address, self.location.origin);
  url.hash = "";
  return url.href;
}

async function trim(name, most) {
  const cache = await caches.open(name);
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - most)).map((key) => cache.delete(key)));
}

/* Entries stand in the order in which they came; what is put anew moves to the end. */
async function put(name, key, answer, most) {
  const cache = await caches.open(name);
  await cache.delete(key);
  await cache.put(key, answer);
  await trim(name, most);
}

async function textIn(name, key) {
  const answer = await (await caches.open(name)).match(key);
  return answer ? answer.text() : "";
}

async function settleReader(page) {
  const found = /<body\b[^>]*\sdata-reader="(\d*)"/.exec(page);
  if (found && await textIn(STATE, READER) !== found[1]) {
    await emptyFor(found[1]);
  }
}

async function emptyFor(reader) {
  await caches.delete(PAGES);
  await (await caches.open(STATE)).put(READER, new Response(reader));
}

/* The page for "no connection" speaks the language of the last page that was kept. */
async function settleLanguage(page) {
  const spoken = /<html\b[^>]*\slang="([^"]+)"/.exec(page);
  const kept = /<html\b[^>]*\slang="([^"]+)"/.exec(await textIn(STATE, keyOf(OFFLINE)));
  if (spoken && (!kept || kept[1] !== spoken[1])) {
    await keepOfflinePages();
  }
}

async function keepOfflinePages() {
  const state = await caches.open(STATE);
  await Promise.all([OFFLINE, UNSENT].map(async (address) => {
    const answer = await fetch(address, { credentials: "same-origin", cache: "no-store" });
    if (answer.ok) {
      await state.put(keyOf(address), answer);
      await keepFilesOf(await textIn(STATE, keyOf(address)));
    }
  }));
}

async function keepFile(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (answer.ok) {
    await put(FILES, keyOf(address), answer, MOST_FILES);
  }
}

/* The first page of all is loaded before this worker: its files, and those of the offline page, are fetched here. */
async function keepFilesOf(page) {
  const named = [];
  const pattern = /<(?:link|script|img|use)\b[^>]*\s(?:href|src)="(\/[^"#]*)/g;
  for (let found = pattern.exec(page); found; found = pattern.exec(page)) {
    named.push(found[1].replace(/&amp;/g, "&"));
  }
  const files = await caches.open(FILES);
  await Promise.all(Array.from(new Set(named)).map(async (address) => {
    if (/^\/(static|media)\//.test(address) && !await files.match(keyOf(address))) {
      await keepFile(address);
    }
  }));
}

async function keepPage(key, answer, asked) {
  if (answer.type === "opaqueredirect" || answer.status === 404) {
    await (await caches.open(PAGES)).delete(key);
    return;
  }
  if (answer.status !== 200 || !(answer.headers.get("Content-Type") || "").startsWith("text/html")) {
    return;
  }
  const page = await answer.text();
  if (asked !== signOuts) {
    return;
  }
  await settleReader(page);
  if (!MAY_BE_KEPT.test(page)) {
    await (await caches.open(PAGES)).delete(key);
    return;
  }
  const headers = { "Content-Type": "text/html; charset=utf-8" };
  const policy = answer.headers.get("Content-Security-Policy");
  if (policy) {
    headers["Content-Security-Policy"] = policy;
  }
  await put(PAGES, key, new Response(page, { headers: headers }), MOST_PAGES);
  await tell(key);
  await keepFilesOf(page);
  await settleLanguage(page);
}

/* Every window hears it, also the first one, which was loaded before there was a worker. */
async function tell(key) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  windows.forEach((one) => one.postMessage({ kept: key }));
}

/* --- answering -------------------------------------------------------------------------------------------------- */

async function keptPage(key) {
  const answer = await (await caches.open(PAGES)).match(key);
  if (!answer) {
    return null;
  }
  const page = (await answer.text()).replace(/<html\b/, "<html data-from-device");
  return new Response(page, { headers: answer.headers });
}

async function offlinePage(address) {
  const page = await textIn(STATE, keyOf(address));
  return page
    ? new Response(page, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } })
    : Response.error();
}

function later(milliseconds) {
  return new Promise((resolve) => { setTimeout(() => resolve(null), milliseconds); });
}

async function fromNetwork(event, key) {
  const asked = signOuts;
  const early = await event.preloadResponse;
  const answer = early || await fetch(event.request);
  if (key) {
    event.waitUntil(keepPage(key, answer.clone(), asked).catch(() => undefined));
  }
  return answer;
}

async function navigate(event) {
  const isRead = event.request.method === "GET";
  if (!isRead && ENDS.test(new URL(event.request.url).pathname)) {
    /* Whatever is answered, if anything: nobody may read on, also where the page after it is lost on the way. */
    signOuts += 1;
    await emptyFor("");
  }
  const key = isRead ? keyOf(event.request.url) : null;
  const network = fromNetwork(event, key);
  try {
    const kept = isRead && await (await caches.open(PAGES)).match(key);
    const answer = kept ? await Promise.race([network, later(PATIENCE_MS)]) : await network;
    return answer || await keptPage(key) || await network;
  } catch (error) {
    return (isRead && await keptPage(key)) || offlinePage(isRead ? OFFLINE : UNSENT);
  }
}

/* What a page is made of: named by its content, from here; else from the network while there is one. */
async function file(event) {
  const key = keyOf(event.request.url);
  const kept = await (await caches.open(FILES)).match(key);
  if (kept && /\/media\/[0-9a-f]+$/.test(key)) {
    return kept;
  }
  const network = fetch(event.request).then((answer) => {
    if (answer.ok && answer.type === "basic") {
      event.waitUntil(put(FILES, key, answer.clone(), MOST_FILES).catch(() => undefined));
    }
    return answer;
  });
  if (!kept) {
    return network;
  }
  network.catch(() => undefined);
  return (await Promise.race([network, later(PATIENCE_MS)]).catch(() => null)) || kept;
}

self.addEventListener("install", (event) => {
  event.waitUntil(keepOfflinePages().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([
    self.registration.navigationPreload ? self.registration.navigationPreload.enable() : undefined,
    self.clients.claim()
  ]));
});

self.addEventListener("message", (event) => {
  if (event.data && event.data.keep) {
    const key = keyOf(event.data.keep);
    const asked = signOuts;
    event.waitUntil(
      fetch(key, { credentials: "same-origin", redirect: "manual" })
        .then((answer) => keepPage(key, answer, asked)).catch(() => undefined)
    );
  }
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin) {
    return;
  }
  if (event.request.mode === "navigate") {
    event.respondWith(navigate(event));
  } else if (event.request.method === "GET" && IS_FILE.test(event.request.destination)
      && /^\/(static|media)\//.test(url.pathname)) {
    event.respondWith(file(event));
  }
});
