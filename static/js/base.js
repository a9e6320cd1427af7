/*
 * What every page needs, without a framework and in the language of a three-year-old WebView (ES2019).
 * All behaviour hangs on data attributes; a page works without this file, only less conveniently.
 */
(function () {
  "use strict";

  var KEEP_PREFIX = "kept-form:";
  var SENT_KEY = "sent-form";
  var PLACE_PREFIX = "lesson-place:"; /* then the reader, then the lesson: see courses.js */

  function each(selector, root, action) {
    Array.prototype.forEach.call((root || document).querySelectorAll(selector), action);
  }

  function methodOf(form) {
    /* Not form.method: a field of that name would hide it. */
    return (form.getAttribute("method") || "get").toLowerCase();
  }

  function labelOf(button) {
    return button.querySelector("[data-label-text]") || button;
  }

  /* --- typed values over a change of language, and over a form that the server could not take --------------------- */

  function isKeepable(control) {
    var refused = ["password", "file", "hidden", "submit", "button", "reset", "image"];
    return Boolean(control.name) && refused.indexOf(control.type) === -1 && !control.closest("[data-no-keep]");
  }

  function keepableForms() {
    return Array.prototype.filter.call(document.querySelectorAll("main form"), function (form) {
      return methodOf(form) !== "dialog";
    });
  }

  function isRefusal() {
    return Boolean(document.querySelector("[data-refused]"));
  }

  /* What was typed is for nobody else who signs in at the same window. */
  function reader() {
    return document.body.getAttribute("data-reader");
  }

  function typed() {
    var forms = keepableForms().map(function (form) {
      return Array.prototype.filter.call(form.elements, isKeepable).map(function (control) {
        var chosen = null;
        if (control.type === "checkbox" || control.type === "radio") {
          chosen = control.checked;
        } else if (control.multiple && control.options) {
          chosen = Array.prototype.map.call(control.selectedOptions, function (option) { return option.value; });
        }
        return [control.name, control.value, chosen];
      });
    });
    return { path: location.pathname, reader: reader(), forms: forms };
  }

  function keep(key, value) {
    try {
      sessionStorage.setItem(key, JSON.stringify(value));
    } catch (error) {
      /* Storage is full or forbidden: everything still works, the words have to be typed again. */
    }
  }

  function take(key) {
    try {
      var value = JSON.parse(sessionStorage.getItem(key) || "null");
      sessionStorage.removeItem(key);
      return value;
    } catch (error) {
      return null;
    }
  }

  function forgetForms() {
    try {
      Object.keys(sessionStorage).forEach(function (key) {
        if (key === SENT_KEY || key.indexOf(KEEP_PREFIX) === 0) {
          sessionStorage.removeItem(key);
        }
      });
    } catch (error) {
      /* Nothing could be kept either. */
    }
  }

  /* How far somebody read is for nobody else on the device; without a name, of all. */
  function forgetPlaces(but) {
    try {
      Object.keys(localStorage).forEach(function (key) {
        if (key.indexOf(PLACE_PREFIX) === 0 && !(but && key.indexOf(PLACE_PREFIX + but + ":") === 0)) {
          localStorage.removeItem(key);
        }
      });
    } catch (error) {
      /* Nothing could be kept either. */
    }
  }

  /* What was sent is kept until the next page: where that says no, for the way back; else it is done with. */
  function settleSent() {
    var sent = take(SENT_KEY);
    if (sent && isRefusal()) {
      keep(KEEP_PREFIX + sent.path, sent);
    } else if (sent) {
      take(KEEP_PREFIX + sent.path);
    }
  }

  function isReload() {
    var entries = performance.getEntriesByType("navigation");
    return entries.length > 0 && entries[0].type === "reload";
  }

  function restoreControl(control, value, chosen) {
    if (control.type === "checkbox" || control.type === "radio") {
      control.checked = chosen;
    } else if (Array.isArray(chosen)) {
      Array.prototype.forEach.call(control.options, function (option) {
        option.selected = chosen.indexOf(option.value) !== -1;
      });
    } else {
      control.value = value;
    }
  }

  function restoreForms() {
    settleSent();
    if (isRefusal()) {
      return;
    }
    var kept = take(KEEP_PREFIX + location.pathname);
    if (!kept || kept.reader !== reader() || (kept.shown && !isReload())) {
      return;
    }
    kept.shown = true; /* once, and again after a reload: that is what a page that was open too long asks for */
    keep(KEEP_PREFIX + location.pathname, kept);
    keepableForms().forEach(function (form, index) {
      var left = (kept.forms[index] || []).slice();
      Array.prototype.filter.call(form.elements, isKeepable).forEach(function (control) {
        var isChoice = control.type === "checkbox" || control.type === "radio";
        var at = left.findIndex(function (entry) {
          return entry[0] === control.name && (!isChoice || entry[1] === control.value);
        });
        if (at !== -1) {
          var entry = left.splice(at, 1)[0];
          restoreControl(control, entry[1], entry[2]);
          if (control.value && control.tagName !== "SELECT" && control.closest("details.fold")) {
            control.closest("details.fold").open = true;
          }
          /* Rooms that listen (counters, autosave) see the value as if it had been typed. */
          control.dispatchEvent(new Event("input", { bubbles: true }));
          control.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    });
  }

  /* A phone may let a page go while another app is in front: what was typed and not sent comes back with the page. */
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden" && document.querySelector("form[data-keeps][data-dirty]")) {
      keep(KEEP_PREFIX + location.pathname, typed());
    }
  });

  /* --- leaving with unsent words -------------------------------------------------------------------------------- */

  var leaving = false;

  function hasUnsent() {
    return Boolean(document.querySelector("form[data-warn-unsaved][data-dirty]"));
  }

  document.addEventListener("input", function (event) {
    var form = event.target.form;
    if (form && form.hasAttribute("data-warn-unsaved")) {
      form.setAttribute("data-dirty", "");
    }
  });

  window.addEventListener("beforeunload", function (event) {
    if (!leaving && hasUnsent()) {
      event.preventDefault();
      event.returnValue = "";
    }
  });

  /* --- asking first, sending once ------------------------------------------------------------------------------- */

  function askFirst(form, button) {
    var source = button && button.hasAttribute("data-confirm") ? button : form;
    var dialog = document.getElementById("confirm-dialog");
    var words = source.getAttribute("data-confirm");
    if (!dialog || !dialog.showModal) {
      if (window.confirm(words)) {
        goOn(form, button);
      }
      return;
    }
    var ok = dialog.querySelector("[data-confirm-ok]");
    var isDanger = source.hasAttribute("data-confirm-danger");
    document.getElementById("confirm-words").textContent = words;
    ok.textContent = source.getAttribute("data-confirm-label") || (button ? button.textContent.trim() : "OK");
    var title = document.getElementById("confirm-title");
    title.textContent = title.getAttribute("data-words").replace("{action}", ok.textContent);
    ok.classList.toggle("button-danger", isDanger);
    ok.classList.toggle("button-primary", !isDanger);
    dialog.returnValue = "cancel";
    dialog.onclose = function () {
      if (dialog.returnValue === "ok") {
        goOn(form, button);
      }
    };
    dialog.showModal();
  }

  function goOn(form, button) {
    form.confirmed = true;
    if (form.requestSubmit) {
      form.requestSubmit(button || undefined);
    } else {
      form.submit();
    }
  }

  function showBusy(form, button) {
    form.setAttribute("data-sent", "");
    if (!button) {
      return;
    }
    var label = labelOf(button);
    button.setAttribute("aria-busy", "true");
    button.setAttribute("aria-disabled", "true");
    if (button.hasAttribute("data-busy-label")) {
      button.setAttribute("data-idle-label", label.textContent);
      label.textContent = button.getAttribute("data-busy-label");
    }
  }

  function showIdle() {
    leaving = false;
    each("form[data-sent]", document, function (form) { form.removeAttribute("data-sent"); });
    each("[aria-busy='true'][aria-disabled='true']", document, function (button) {
      button.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
      if (button.hasAttribute("data-idle-label")) {
        labelOf(button).textContent = button.getAttribute("data-idle-label");
      }
    });
  }

  function isHtmx(attribute) {
    return attribute.name === "hx-post";
  }

  function hasChosenFile() {
    return Array.prototype.some.call(document.querySelectorAll("main input[type=file]"), function (input) {
      return input.files && input.files.length > 0;
    });
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var button = event.submitter || null;
    if (methodOf(form) === "dialog") {
      return;
    }
    if (form.hasAttribute("data-sent")) {
      event.preventDefault();
      return;
    }
    if (navigator.onLine === false && methodOf(form) === "post" && !Array.prototype.some.call(form.attributes, isHtmx)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      sayUnsent();
      return;
    }
    var asks = form.hasAttribute("data-confirm") || (button && button.hasAttribute("data-confirm"));
    if (asks && !form.confirmed) {
      event.preventDefault();
      /* Nobody else may send it before the answer: htmx listens on the form itself. */
      event.stopImmediatePropagation();
      askFirst(form, button);
      return;
    }
    form.confirmed = false;
    if (form.hasAttribute("data-forgets")) {
      forgetForms();
      forgetPlaces("");
    } else if (form.hasAttribute("data-language-switch")) {
      if (!isRefusal()) {
        keep(KEEP_PREFIX + location.pathname, typed());
      }
      /* What was typed comes back; only a chosen file would be lost, so the browser may ask about that. */
      leaving = !hasChosenFile();
    } else if (methodOf(form) === "post" && !form.querySelector("input[type=password]")) {
      keep(SENT_KEY, typed());
    }
    /* Handlers of the page come after this one; what they stop themselves (to send it by fetch) is not a departure. */
    setTimeout(function () {
      if (event.defaultPrevented) {
        take(SENT_KEY);
        return;
      }
      form.removeAttribute("data-dirty");
      if (methodOf(form) === "post" && !form.hasAttribute("target")) {
        showBusy(form, button);
      }
    }, 0);
    if (form.hasAttribute("data-warn-unsaved")) {
      leaving = true;
      setTimeout(function () { leaving = leaving && !event.defaultPrevented; }, 0);
    }
  }, true);

  /* A page taken from the browser's memory (the back button) must not stay locked. */
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      showIdle();
    }
  });

  /* A download answers the form without leaving the page: the button is freed again. */
  document.addEventListener("submit", function (event) {
    if (event.target.hasAttribute("data-downloads")) {
      setTimeout(showIdle, 4000);
    }
  });

  /* --- clicks --------------------------------------------------------------------------------------------------- */

  function copyWords(button) {
    var source = document.getElementById(button.getAttribute("data-copy"));
    var words = source ? (source.value || source.textContent).trim() : "";
    var label = labelOf(button);
    var before = label.textContent;
    function say() {
      label.textContent = button.getAttribute("data-copied-label") || before;
      setTimeout(function () { label.textContent = before; }, 2500);
    }
    function copyBySelection() {
      var area = document.createElement("textarea");
      area.value = words;
      area.className = "visually-hidden";
      document.body.appendChild(area);
      area.select();
      if (document.execCommand("copy")) {
        say();
      }
      area.remove();
      button.focus();
    }
    /* The clipboard interface is missing on plain http and in some in-app browsers. */
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(words).then(say, copyBySelection);
    } else {
      copyBySelection();
    }
  }

  document.addEventListener("click", function (event) {
    var origin = event.target;
    var opener = origin.closest("[data-opens]");
    if (opener) {
      var dialog = document.getElementById(opener.getAttribute("data-opens"));
      if (dialog && dialog.showModal) {
        event.preventDefault(); /* an opener that is a link leads to a page where there are no scripts */
        dialog.showModal();
      }
      return;
    }
    var closer = origin.closest("[data-closes]");
    if (closer && closer.closest("dialog")) {
      closer.closest("dialog").close();
      return;
    }
    var copier = origin.closest("[data-copy]");
    if (copier) {
      copyWords(copier);
      return;
    }
    if (origin.closest("[data-print]")) {
      window.print();
      return;
    }
    each("details[data-closes-outside][open]", document, function (details) {
      if (!details.contains(origin)) {
        details.removeAttribute("open");
      }
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") {
      return;
    }
    each("details[data-closes-outside][open]", document, function (details) {
      details.removeAttribute("open");
      details.querySelector("summary").focus();
    });
  });

  /* One box that ticks all boxes of a name: <input type="checkbox" data-check-all="person">. */
  document.addEventListener("change", function (event) {
    var name = event.target.getAttribute("data-check-all");
    if (!name) {
      return;
    }
    each("input[type=checkbox][name='" + name + "']:not(:disabled)", event.target.form, function (box) {
      box.checked = event.target.checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });

  /* --- choosing a file ------------------------------------------------------------------------------------------ */

  /* The browser's own words follow its language, not the page's: ours stand over them as soon as they can be kept true. */
  function dressFile(frame) {
    var input = frame.querySelector("input[type=file]");
    var name = frame.querySelector("[data-file-name]");
    var none = name.textContent;
    function show() {
      var names = Array.prototype.map.call(input.files || [], function (file) { return file.name; });
      name.textContent = names.join(", ") || none;
      frame.classList.toggle("is-chosen", names.length > 0);
    }
    input.addEventListener("change", show);
    if (input.form) {
      input.form.addEventListener("reset", function () { setTimeout(show, 0); });
    }
    frame.classList.add("is-dressed");
    show();
  }

  /* --- connection ----------------------------------------------------------------------------------------------- */

  function showConnection() {
    each("[data-offline-banner]", document, function (banner) {
      banner.textContent = navigator.onLine === false ? banner.getAttribute("data-words") : "";
      /* What sticks to the top of a page stands below the banner. */
      document.documentElement.style.setProperty("--offline", banner.offsetHeight + "px");
    });
  }

  function sayUnsent() {
    each("[data-offline-banner]", document, function (banner) {
      banner.textContent = banner.getAttribute("data-words-unsent");
      document.documentElement.style.setProperty("--offline", banner.offsetHeight + "px");
    });
  }

  /* What may be kept is read without a connection. The very first page is loaded before there is a worker to keep it. */
  function keepForOffline() {
    if (!("serviceWorker" in navigator) || !reader()) {
      return;
    }
    var entries = performance.getEntriesByType("navigation");
    var isFirst = entries.length === 0 || !entries[0].workerStart; /* it came past the worker */
    navigator.serviceWorker.register("/sw.js").then(function () {
      return navigator.serviceWorker.ready;
    }).then(function (registration) {
      if (isFirst && document.documentElement.hasAttribute("data-keep")) {
        registration.active.postMessage({ keep: location.href });
      }
    }).catch(function () {
      /* Forbidden or missing, as in some in-app browsers: everything works, with a connection. */
    });
  }

  /* On a weak line this file may come after the moment it waits for. */
  function isPast(moment) {
    var entries = performance.getEntriesByType("navigation");
    return entries.length > 0 && entries[0][moment] > 0;
  }

  if (isPast("loadEventStart")) {
    keepForOffline();
  } else {
    window.addEventListener("load", keepForOffline);
  }
  window.addEventListener("online", showConnection);
  window.addEventListener("resize", showConnection);
  window.addEventListener("offline", showConnection);

  /* WeChat's own browser neither prints nor takes a file: who would press such a button is told first. */
  function speakInWeChat() {
    if (/MicroMessenger/i.test(navigator.userAgent)
        && document.querySelector("[data-print], [data-downloads], [data-file-out]")) {
      each("[data-in-app]", document, function (hint) { hint.hidden = false; });
    }
  }

  /* --- timers --------------------------------------------------------------------------------------------------- */

  function twoDigits(number) {
    return number < 10 ? "0" + number : String(number);
  }

  function words(seconds) {
    var hours = Math.floor(seconds / 3600);
    var minutes = Math.floor((seconds % 3600) / 60);
    var clock = twoDigits(minutes) + ":" + twoDigits(seconds % 60);
    return hours > 0 ? hours + ":" + clock : clock;
  }

  function startTimer(timer) {
    /* The wall clock of a phone may be wrong or changed: count from the server's figure. Date.now() as the step,
       because performance.now() stands still while some phones sleep; a jump backwards is ignored. */
    var left = Number(timer.getAttribute("data-seconds-left"));
    var low = Number(timer.getAttribute("data-low") || 0);
    var figure = timer.querySelector("[data-figure]") || timer;
    var last = Date.now();
    function tick() {
      var now = Date.now();
      left = Math.max(0, left - Math.max(0, now - last) / 1000);
      last = now;
      figure.textContent = words(Math.ceil(left));
      timer.classList.toggle("is-low", left <= low);
      if (left <= 0) {
        clearInterval(handle);
        timer.dispatchEvent(new CustomEvent("timer:end", { bubbles: true }));
      }
    }
    var handle = setInterval(tick, 500);
    /* A room moves the deadline by sending "timer:set" with the seconds that are left. */
    timer.addEventListener("timer:set", function (event) {
      left = Number(event.detail);
      last = Date.now();
    });
    tick();
  }

  /* --- start ---------------------------------------------------------------------------------------------------- */

  /* Scripts of the rooms are deferred too and come before this event: they hear the restored values. */
  if (isPast("domContentLoadedEventStart")) {
    restoreForms();
  } else {
    document.addEventListener("DOMContentLoaded", restoreForms);
  }
  if (reader()) { /* a page without a reader may be the sign-in of the same one whose session has ended */
    forgetPlaces(reader());
  }
  showConnection();
  speakInWeChat();
  each("[data-seconds-left]", document, startTimer);
  each("[data-file]", document, dressFile);
  /* A link from another page may open a dialog by its name: #customer-code. */
  if (location.hash.length > 1) {
    each("[data-opens]", document, function (opener) {
      if ("#" + opener.getAttribute("data-opens") === location.hash) {
        opener.click();
      }
    });
  }
  var summary = document.querySelector(".error-summary");
  if (summary) {
    summary.focus();
  }
})();
