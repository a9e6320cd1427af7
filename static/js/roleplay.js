/*
 * The scoring sheet: every touch is numbered, kept in the browser until the server has confirmed it, and sent again
 * after a drop-out, a reload or a new sign-in. One storage entry per touch, so that two tabs never overwrite each
 * other; each load of the page is a device of its own ("client") with its own numbers.
 */
(function () {
  "use strict";

  const PREFIX = "rp:";
  const LABEL = "rp-label:";
  const CLIENTS = "rp-clients:";
  const DRAFT = "rp-draft:";
  const BATCH = 100;
  const POLL_MS = 20000;
  const ANSWER_MS = 12000;

  const reader = document.body.getAttribute("data-reader");
  const memory = {};
  let isStored = true;

  /* --- storage ---------------------------------------------------------------------------------------------------- */

  function put(key, value) {
    memory[key] = value;
    try {
      localStorage.setItem(key, value);
    } catch (error) {
      isStored = false;
    }
  }

  function take(key) {
    try {
      const value = localStorage.getItem(key);
      return value === null && !isStored ? memory[key] || null : value;
    } catch (error) {
      isStored = false;
      return memory[key] || null;
    }
  }

  function drop(key) {
    delete memory[key];
    try {
      localStorage.removeItem(key);
    } catch (error) {
      isStored = false;
    }
  }

  function keysFrom(prefix) {
    const keys = new Set(Object.keys(memory));
    try {
      for (let at = 0; at < localStorage.length; at += 1) {
        keys.add(localStorage.key(at));
      }
    } catch (error) {
      isStored = false;
    }
    return Array.from(keys).filter((key) => key.indexOf(prefix) === 0);
  }

  function keyOf(sheet, client, seq) {
    return PREFIX + sheet + ":" + client + ":" + String(seq).padStart(6, "0");
  }

  /* The unsent touches of a sheet, by device and number. */
  function unsentOf(sheet) {
    return keysFrom(PREFIX + sheet + ":").sort().map((key) => {
      const parts = key.split(":");
      try {
        return { key: key, client: parts[2], touch: JSON.parse(take(key)) };
      } catch (error) {
        return null;
      }
    }).filter((entry) => entry && entry.touch);
  }

  function newClient() {
    const bytes = new Uint8Array(12);
    window.crypto.getRandomValues(bytes);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* --- talking to the server -------------------------------------------------------------------------------------- */

  function ask(url, csrf, body) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ANSWER_MS);
    const options = { headers: { Accept: "application/json" }, credentials: "same-origin", signal: stop.signal };
    if (body) {
      options.method = "POST";
      options.headers["Content-Type"] = "application/json";
      options.headers["X-CSRFToken"] = csrf;
      options.body = JSON.stringify(body);
    }
    return fetch(url, options).then((answer) => answer.json().then(
      (data) => ({ status: answer.status, data: data }),
      () => ({ status: answer.status, data: {} })
    )).catch(() => ({ status: 0, data: {} })).then((answer) => {
      clearTimeout(timer);
      return answer;
    });
  }

  function forget(sheet, client, numbers) {
    numbers.forEach((seq) => drop(keyOf(sheet, client, seq)));
  }

  /* --- timers ----------------------------------------------------------------------------------------------------- */

  document.addEventListener("timer:end", (event) => {
    const box = event.target.closest(".rp-timer");
    if (box) {
      box.querySelector("[data-over]").hidden = false;
    }
  });

  /* --- the trainer's day: what this device has not sent ------------------------------------------------------------ */

  function showUnsent(box) {
    const list = box.querySelector("[data-unsent-list]");
    const sheets = Array.from(new Set(keysFrom(PREFIX).map((key) => key.split(":")[1])));
    list.textContent = "";
    box.hidden = sheets.length === 0;
    sheets.forEach((sheet) => {
      const line = document.createElement("li");
      const said = JSON.parse(take(LABEL + sheet) || "{}");
      if (said.reader !== reader) { /* whom and what it is about is for who marked it alone */
        line.textContent = box.getAttribute("data-other-words");
        list.append(line);
        if (!said.reader) {
          sendFromDay(box, sheet, line); /* kept before the reader was: the server knows whose it is */
        }
        return;
      }
      const link = document.createElement("a");
      const count = document.createElement("span");
      link.href = box.getAttribute("data-url").replace("SHEET", sheet);
      link.textContent = (said.label || sheet.slice(0, 6)) + " – " + box.getAttribute("data-open-words");
      count.textContent = " " + box.getAttribute("data-count-words").replace("COUNT", unsentOf(sheet).length) + " ";
      line.append(count, link);
      list.append(line);
      sendFromDay(box, sheet, line);
    });
  }

  function sendFromDay(box, sheet, line) {
    const waiting = unsentOf(sheet);
    if (!waiting.length) {
      return;
    }
    const client = waiting[0].client;
    const events = waiting.filter((one) => one.client === client).slice(0, BATCH).map((one) => one.touch);
    const url = box.getAttribute("data-url").replace("SHEET", sheet) + "/marks";
    ask(url, box.getAttribute("data-csrf"), { client: client, events: events }).then((answer) => {
      if (answer.status === 200) {
        forget(sheet, client, answer.data.confirmed);
        if (unsentOf(sheet).length) {
          sendFromDay(box, sheet, line);
        } else {
          line.textContent = box.getAttribute("data-sent-words");
        }
      } else if (answer.status === 409 && answer.data.code === "sheet_closed") {
        forget(sheet, client, answer.data.confirmed);
        const lost = unsentOf(sheet);
        lost.forEach((one) => drop(one.key));
        line.textContent = lost.length
          ? box.getAttribute("data-locked-words").replace("COUNT", lost.length)
          : box.getAttribute("data-sent-words");
      } else if (answer.status === 404) {
        line.textContent = box.getAttribute("data-other-words");
      }
    });
  }

  const unsentBox = document.querySelector("[data-unsent-marks]");
  if (unsentBox) {
    showUnsent(unsentBox);
    window.addEventListener("online", () => showUnsent(unsentBox));
  }

  /* --- the sheet --------------------------------------------------------------------------------------------------- */

  const root = document.querySelector("[data-score-sheet]");
  if (!root) {
    return;
  }
  const sheet = root.getAttribute("data-score-sheet");
  const client = newClient();
  const words = (name) => root.getAttribute("data-words-" + name);
  const find = (selector) => document.querySelector(selector);
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  let server = JSON.parse(root.getAttribute("data-state"));
  let csrf = server.csrf;
  let offset = Date.parse(server.now) - Date.now();
  let made = 0;
  let pending = unsentOf(sheet);
  let sending = false;
  let locking = false;
  let wait = 1000;
  let retry = null;
  let waiters = [];
  let lastSaid = "";

  const clients = JSON.parse(take(CLIENTS + sheet) || "[]").slice(-30);
  clients.push(client);
  put(CLIENTS + sheet, JSON.stringify(clients));
  put(LABEL + sheet, JSON.stringify({ label: root.getAttribute("data-label"), reader: reader }));

  const titles = {};
  all("[data-criterion]").forEach((box) => { titles[box.getAttribute("data-criterion")] = box.getAttribute("data-title"); });
  const failures = {};
  all("[data-failure]").forEach((box) => { failures[box.getAttribute("data-failure")] = box.getAttribute("data-title"); });

  /* What stands: the server's word, and on top of it what is still on the way. */
  function standing() {
    const stacks = {};
    Object.keys(server.standing).forEach((name) => { stacks[name] = server.standing[name].slice(); });
    pending.forEach((entry) => {
      const touch = entry.touch;
      const stack = stacks[touch.criterion] = stacks[touch.criterion] || [];
      if (stack.some((one) => one.client === entry.client && one.seq === touch.seq)) {
        return;
      }
      if (touch.kind === "undo") {
        stack.pop();
      } else {
        stack.push({
          client: entry.client, seq: touch.seq, kind: touch.kind, value: touch.value === undefined ? null : touch.value,
          words: touch.words || null, isUnsent: true
        });
      }
    });
    return stacks;
  }

  function markOf(stack) {
    const marks = (stack || []).filter((one) => one.kind === "mark");
    return marks.length ? marks[marks.length - 1] : null;
  }

  function isConfirmed(stack) {
    return stack.some((one) => one.kind === "confirm_critical");
  }

  function record(kind, criterion, more) {
    if (locking || !server.is_open) {
      return;
    }
    made += 1;
    const at = new Date(Date.now() + offset).toISOString();
    const touch = Object.assign({ seq: made, kind: kind, criterion: criterion, at: at }, more || {});
    const key = keyOf(sheet, client, made);
    put(key, JSON.stringify(touch));
    pending.push({ key: key, client: client, touch: touch });
    render();
    send();
  }

  /* --- sending ----------------------------------------------------------------------------------------------------- */

  function later() {
    clearTimeout(retry);
    retry = setTimeout(send, wait);
    wait = Math.min(wait * 2, 30000);
  }

  function settle() {
    waiters.splice(0).forEach((go) => go());
  }

  function send() {
    if (sending) {
      return;
    }
    if (!pending.length) {
      settle();
      return;
    }
    sending = true;
    clearTimeout(retry);
    const from = pending[0].client;
    const events = pending.filter((entry) => entry.client === from).slice(0, BATCH).map((entry) => entry.touch);
    ask(root.getAttribute("data-marks-url"), csrf, { client: from, events: events }).then((answer) => {
      sending = false;
      heard(answer, from);
    });
  }

  function confirmAll(from, numbers) {
    const held = new Set(numbers);
    forget(sheet, from, numbers);
    pending = pending.filter((entry) => entry.client !== from || !held.has(entry.touch.seq));
  }

  function heard(answer, from) {
    if (answer.status === 200) {
      wait = 1000;
      confirmAll(from, answer.data.confirmed);
      server = answer.data;
      show("[data-signed-out]", false);
      problem("");
      render();
      send();
      return;
    }
    if (answer.status === 409 && answer.data.code === "sheet_closed") {
      confirmAll(from, answer.data.confirmed);
      pending.slice().forEach((entry) => drop(entry.key));
      pending = [];
      server.is_open = false;
      problem(words("refused").replace("WHY", answer.data.detail));
      render();
      settle();
      return;
    }
    failed(answer);
    later();
    render();
    settle();
  }

  /* Nothing is lost in any of these cases: the touches stay where they are and are tried again. */
  function failed(answer) {
    if (answer.status === 401) {
      show("[data-signed-out]", true);
    } else if (answer.status === 0) {
      problem(words("offline"));
    } else if (answer.status === 400) {
      refresh();
    } else if (answer.status >= 500) {
      problem(words("try-later"));
    } else {
      problem(words("refused").replace("WHY", answer.data.detail || String(answer.status)));
    }
  }

  /* How the sheet stands with all its devices; brings a fresh token after a new sign-in. */
  function refresh() {
    if (sending) {
      return;
    }
    sending = true;
    ask(root.getAttribute("data-state-url"), csrf, null).then((answer) => {
      sending = false;
      if (answer.status === 200) {
        server = answer.data;
        csrf = server.csrf;
        offset = Date.parse(server.now) - Date.now();
        show("[data-signed-out]", false);
        problem("");
        render();
        send();
      } else {
        failed(answer.status === 400 ? { status: 401, data: {} } : answer);
      }
    });
  }

  /* --- showing ----------------------------------------------------------------------------------------------------- */

  function show(selector, isShown) {
    find(selector).hidden = !isShown;
  }

  function problem(text) {
    const note = isStored ? text : text || words("memory");
    if (find("[data-problem-words]").textContent !== note) {
      find("[data-problem-words]").textContent = note;
    }
    show("[data-problem]", Boolean(note));
  }

  function say(text) {
    find("[data-said]").textContent = text;
  }

  function render() {
    const stacks = standing();
    all("[data-criterion]").forEach((box) => {
      const mark = markOf(stacks[box.getAttribute("data-criterion")]);
      box.classList.toggle("rp-pending", Boolean(mark && mark.isUnsent));
      Array.from(box.querySelectorAll("[data-mark]")).forEach((radio) => {
        radio.checked = Boolean(mark) && String(mark.value) === radio.value;
        radio.disabled = !server.is_open || locking;
      });
    });
    all("[data-comments]").forEach((list) => showComments(list, stacks[list.getAttribute("data-comments")] || []));
    showCritical(stacks);
    showCounts(stacks);
    all("[data-lock], [data-undo], [data-add-comment], [data-open-critical]").forEach((button) => {
      button.disabled = !server.is_open || locking;
    });
  }

  function showComments(list, stack) {
    const comments = stack.filter((one) => one.kind === "comment");
    list.hidden = !comments.length;
    list.textContent = "";
    comments.forEach((one) => {
      const line = document.createElement("li");
      line.textContent = one.words === null ? words("erased") : one.words;
      if (one.isUnsent) {
        line.setAttribute("data-unsent", "");
        line.title = words("unsent");
      }
      list.append(line);
    });
  }

  function button(label, kind, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button " + kind;
    made.textContent = label;
    made.disabled = locking;
    made.addEventListener("click", action);
    return made;
  }

  function showCritical(stacks) {
    const list = find("[data-critical-list]");
    const raised = Object.keys(failures).filter((name) => (stacks[name] || []).some((one) => one.kind === "critical"));
    const shape = JSON.stringify(raised.map((name) => [name, stacks[name].length, locking]));
    list.hidden = !raised.length;
    if (list.getAttribute("data-shape") === shape) {
      return;  /* the same lines as before: a button under a finger stays where it is */
    }
    list.setAttribute("data-shape", shape);
    list.textContent = "";
    raised.forEach((name) => {
      const stack = stacks[name];
      const first = stack.find((one) => one.kind === "critical");
      const item = document.createElement("li");
      const line = document.createElement("div");
      const text = document.createElement("span");
      const title = document.createElement("span");
      const note = document.createElement("span");
      const state = document.createElement("strong");
      line.className = "list-item rp-critical";
      text.className = "list-text";
      title.className = "list-title";
      note.className = "list-note";
      title.textContent = failures[name];
      note.textContent = first.words === null ? words("erased") : first.words;
      state.textContent = isConfirmed(stack) ? words("counted") : words("unconfirmed");
      text.append(title, note, state);
      line.append(text);
      if (!isConfirmed(stack)) {
        line.append(button(words("confirm"), "button-danger", () => askSecond(name)));
      }
      line.append(button(words("take-back"), "", () => takeBack(name)));
      item.append(line);
      list.append(item);
    });
  }

  function unmarked(stacks) {
    return Object.keys(titles).filter((name) => !markOf(stacks[name]));
  }

  function showCounts(stacks) {
    const done = server.total;
    const text = words("confirmed").replace("DONE", done).replace("ALL", done + pending.length);
    const left = unmarked(stacks).length;
    const rest = left ? words("left").replace("COUNT", left) : words("complete");
    const box = find("[data-confirmed]");
    const full = text + " · " + rest;
    box.toggleAttribute("data-unsent", pending.length > 0);
    if (box.textContent !== full) {
      box.textContent = full;
    }
  }

  /* --- touches ------------------------------------------------------------------------------------------------------ */

  root.addEventListener("change", (event) => {
    const criterion = event.target.getAttribute("data-mark");
    if (criterion) {
      record("mark", criterion, { value: Number(event.target.value) });
    }
  });

  function addComment(criterion) {
    const box = find("[data-comment='" + criterion + "']");
    const text = box.value.trim();
    if (text) {
      box.value = "";
      drop(DRAFT + sheet + ":" + criterion);
      record("comment", criterion, { words: text });
    }
    return box;
  }

  function undo() {
    const stacks = standing();
    let last = null;
    Object.keys(stacks).forEach((name) => {
      const top = stacks[name][stacks[name].length - 1];
      const place = top ? clients.indexOf(top.client) : -1;
      if (place >= 0 && (!last || place > last.place || (place === last.place && top.seq > last.seq))) {
        last = { name: name, place: place, seq: top.seq };
      }
    });
    if (!last) {
      say(words("nothing"));
      return;
    }
    record("undo", last.name);
    say(words("undone").replace("WHAT", titles[last.name] || failures[last.name]));
    const box = document.getElementById("c-" + last.name);
    if (box && box.scrollIntoView) {
      box.scrollIntoView({ block: "nearest" });
    }
  }

  function takeBack(name) {
    (standing()[name] || []).forEach(() => record("undo", name));
    find("[data-open-critical]").focus();
  }

  function askSecond(name) {
    const first = standing()[name].find((one) => one.kind === "critical");
    const dialog = document.getElementById("confirm-critical-dialog");
    find("[data-confirm-what]").textContent = failures[name];
    find("[data-confirm-said]").textContent = first.words || words("erased");
    dialog.setAttribute("data-name", name);
    dialog.showModal();
  }

  function recordCritical() {
    const dialog = document.getElementById("critical-dialog");
    const chosen = dialog.querySelector("[name=critical]:checked");
    const box = document.getElementById("critical-words");
    const text = box.value.trim();
    show("[data-critical-none]", !chosen);
    show("[data-critical-wordless]", !text);
    if (!chosen) {
      dialog.querySelector("[name=critical]").focus();
      return;
    }
    if (!text) {
      box.focus();
      return;
    }
    const isRaised = (standing()[chosen.value] || []).some((one) => one.kind === "critical");
    dialog.close();
    if (!isRaised) {
      record("critical", chosen.value, { words: text });
    }
    box.value = "";
    chosen.checked = false;
    askSecond(chosen.value);
  }

  /* --- locking ------------------------------------------------------------------------------------------------------ */

  function listMissing(lines) {
    const list = find("[data-missing-list]");
    list.textContent = "";
    lines.forEach((line) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = "#" + line.target;
      link.textContent = line.text;
      item.append(link);
      list.append(item);
    });
    show("[data-missing]", lines.length > 0);
    if (lines.length) {
      find("[data-missing]").focus();
      window.scrollTo(0, 0);
    }
  }

  function lineOf(kind, criterion) {
    const isCritical = criterion in failures;
    const target = isCritical || !criterion ? "critical" : "c-" + criterion;
    const name = titles[criterion] || failures[criterion];
    const text = words(kind.replace(/_/g, "-"));
    return { target: criterion ? target : "main", text: name ? name + " – " + text : text };
  }

  function missingHere() {
    const stacks = standing();
    const lines = unmarked(stacks).map((name) => lineOf("not_marked", name));
    Object.keys(failures).forEach((name) => {
      const stack = stacks[name] || [];
      if (stack.some((one) => one.kind === "critical") && !isConfirmed(stack)) {
        lines.push(lineOf("not_confirmed", name));
      }
    });
    return lines;
  }

  function askLock() {
    all("[data-comment]").forEach((box) => addComment(box.getAttribute("data-comment")));
    const lines = missingHere();
    listMissing(lines);
    if (!lines.length) {
      document.getElementById("lock-dialog").showModal();
    }
  }

  function lockNow() {
    document.getElementById("lock-dialog").close();
    const go = () => {
      if (pending.length) {
        listMissing([lineOf("not_received", null)]);
        return;
      }
      locking = true;
      setLockWords(true);
      render();
      postLock();
    };
    if (pending.length || sending) {
      waiters.push(go);
      send();
    } else {
      go();
    }
  }

  function setLockWords(isBusy) {
    const label = find("[data-lock] [data-label-text]");
    if (isBusy) {
      lastSaid = label.textContent;
      label.textContent = words("locking");
    } else {
      label.textContent = lastSaid;
    }
  }

  /* Until the outcome is known nothing can be marked: a mark must not take the number of the lock. */
  function postLock() {
    const at = new Date(Date.now() + offset).toISOString();
    ask(root.getAttribute("data-lock-url"), csrf, { client: client, seq: made + 1, at: at }).then((answer) => {
      if (answer.status === 200) {
        keysFrom(DRAFT + sheet).concat([LABEL + sheet, CLIENTS + sheet]).forEach(drop);
        location.assign(answer.data.to);
        return;
      }
      if (answer.status === 0 || answer.status >= 500 || answer.status === 400 || answer.status === 401) {
        failed(answer);
        setTimeout(postLock, wait);
        wait = Math.min(wait * 2, 30000);
        return;
      }
      locking = false;
      setLockWords(false);
      render();
      if (answer.data.missing) {
        listMissing(answer.data.missing.map((one) => lineOf(one.kind, one.criterion)));
      } else {
        failed(answer);
      }
    });
  }

  /* --- wiring ------------------------------------------------------------------------------------------------------- */

  document.addEventListener("click", (event) => {
    const adder = event.target.closest("[data-add-comment]");
    if (adder) {
      addComment(adder.getAttribute("data-add-comment")).focus();
    } else if (event.target.closest("[data-undo]")) {
      undo();
    } else if (event.target.closest("[data-critical-record]")) {
      recordCritical();
    } else if (event.target.closest("[data-confirm-critical]")) {
      const dialog = document.getElementById("confirm-critical-dialog");
      dialog.close();
      record("confirm_critical", dialog.getAttribute("data-name"));
    } else if (event.target.closest("[data-lock-now]")) {
      lockNow();
    } else if (event.target.closest("[data-lock]")) {
      askLock();
    }
  });

  find("[data-critical-form]").addEventListener("submit", (event) => {
    event.preventDefault();
    recordCritical();
  });

  all("[data-comment]").forEach((box) => {
    const key = DRAFT + sheet + ":" + box.getAttribute("data-comment");
    box.value = take(key) || box.value; /* typed before this script was there */
    box.addEventListener("input", () => (box.value ? put(key, box.value) : drop(key)));
  });

  window.addEventListener("online", () => { wait = 1000; send(); });
  window.addEventListener("offline", () => problem(words("offline")));
  window.addEventListener("storage", (event) => {
    if (event.key && event.key.indexOf(PREFIX + sheet) === 0 && !sending) {
      pending = unsentOf(sheet);
      render();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      refresh();
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isStored && pending.length) {
      event.preventDefault();
      event.returnValue = "";
    }
  });
  setInterval(() => {
    if (document.visibilityState === "visible" && !pending.length && !locking && server.is_open) {
      refresh();
    }
  }, POLL_MS);

  render();
  problem("");
  document.dispatchEvent(new CustomEvent("room:ready"));
  send();
})();
