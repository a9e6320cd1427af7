/*
 * A lesson keeps the reader's place: furthest step in per mille, seconds really read, saved quietly and again after a
 * lost connection. The server bounds the seconds and never takes a place back, so that a repeat is harmless.
 */
(function () {
  "use strict";

  var root = document.querySelector("[data-lesson]");
  var finish = document.querySelector("[data-finish]");
  if (!root || !finish) {
    return;
  }

  var WHOLE = 1000;
  var SAVE_AFTER_MS = 2000;
  var SAVE_EVERY_MS = 20000;
  var IDLE_AFTER_MS = 60000;
  var RETRY_MS = [2000, 4000, 8000, 15000, 30000, 60000];
  var LINE = 0.7; /* the reader is at the line this far down the screen */

  var sections = Array.prototype.slice.call(root.querySelectorAll("[data-section]"));
  var progress = document.querySelector("[data-progress]");
  var state = document.querySelector("[data-place-state]");
  var minutesLeft = document.querySelector("[data-minutes-left]");
  var placeField = finish.querySelector("[data-place]");
  var nextSection = document.querySelector("[data-next-section]");
  var reader = document.body.getAttribute("data-reader");
  /* base.js lets go of the places of whoever else read on this device, and of all at the sign-out. */
  var storeKey = "lesson-place:" + reader + ":" + root.getAttribute("data-place-url");
  var isDone = root.getAttribute("data-state") === "done";

  var furthest = Number(root.getAttribute("data-position"));
  var stated = furthest; /* the furthest place that the server is known to have */
  var confirmed = -1;
  var seconds = 0;
  var sending = false;
  var isSigningOut = false;
  var isOver = false;
  var failures = 0;
  var timer = null;
  var lastActive = Date.now();
  var lastTick = Date.now();

  /* --- where the reader is ---------------------------------------------------------------------------------------- */

  function isAtEnd() {
    return window.innerHeight + window.pageYOffset >= document.documentElement.scrollHeight - 4;
  }

  function placeNow() {
    if (isAtEnd()) {
      return { position: WHOLE, index: sections.length - 1 };
    }
    var line = window.innerHeight * LINE;
    var index = -1;
    sections.forEach(function (section, at) {
      if (section.getBoundingClientRect().top <= line) {
        index = at;
      }
    });
    if (index === -1) {
      return { position: 0, index: 0 };
    }
    var box = sections[index].getBoundingClientRect();
    var share = Math.min(1, (line - box.top) / Math.max(1, box.height));
    /* Rounded up, the first line of a step is already in it. */
    return { position: Math.min(WHOLE, Math.ceil(WHOLE * (index + share) / sections.length)), index: index };
  }

  function scrollToPlace() {
    var exact = furthest / WHOLE * sections.length;
    var index = Math.min(sections.length - 1, Math.floor(exact));
    var box = sections[index].getBoundingClientRect();
    var y = window.pageYOffset + box.top + (exact - index) * box.height - window.innerHeight * LINE;
    window.scrollTo(0, Math.max(0, y));
  }

  function isLastReached() {
    return furthest * sections.length / WHOLE + 0.001 >= sections.length - 1;
  }

  function show(place) {
    progress.value = furthest;
    placeField.value = String(furthest);
    sections.forEach(function (section, at) {
      var line = document.querySelector("[data-outline='" + section.getAttribute("data-section") + "']");
      line.classList.toggle("is-reached", furthest > 0 && at <= furthest * sections.length / WHOLE);
      line.classList.toggle("is-here", at === place.index);
    });
    var goesOn = !isDone && !isLastReached();
    nextSection.hidden = !goesOn;
    finish.hidden = goesOn;
    if (goesOn) {
      var target = sections[Math.min(sections.length - 1, place.position === 0 ? 0 : place.index + 1)];
      nextSection.setAttribute("href", "#" + target.id);
    }
  }

  function showMinutes(minutes) {
    if (!isDone && minutes) {
      minutesLeft.textContent = root.getAttribute("data-minutes-words").replace("#", String(minutes));
    }
  }

  function onMove() {
    var place = placeNow();
    lastActive = Date.now();
    if (place.position > furthest) {
      furthest = place.position;
      later(SAVE_AFTER_MS);
    }
    show(place);
  }

  /* --- saving ----------------------------------------------------------------------------------------------------- */

  function tick() {
    var now = Date.now();
    var step = (now - lastTick) / 1000;
    lastTick = now;
    /* A jump means that the device slept: nobody read meanwhile. */
    if (document.visibilityState === "visible" && now - lastActive < IDLE_AFTER_MS && step > 0 && step < 5) {
      seconds += step;
    }
  }

  function words(taken) {
    var data = new FormData();
    data.append("csrf_token", finish.querySelector("[name=csrf_token]").value);
    data.append("version", root.getAttribute("data-version"));
    data.append("reading_round", root.getAttribute("data-round"));
    data.append("position", String(furthest));
    data.append("seconds", String(taken));
    return data;
  }

  function say(name, at) {
    state.setAttribute("data-state", name);
    if (at) {
      state.querySelector("[data-saved-at]").textContent = at;
    }
  }

  function keepHere() {
    if (isSigningOut) {
      return;
    }
    try {
      localStorage.setItem(storeKey, JSON.stringify({
        position: furthest, stated: stated, version: root.getAttribute("data-version"), round: root.getAttribute("data-round")
      }));
    } catch (error) {
      /* Storage is full or forbidden: the place lives as long as the page. */
    }
  }

  function forgetHere() {
    try {
      localStorage.removeItem(storeKey);
    } catch (error) {
      /* Nothing was kept. */
    }
  }

  /* A place is of one reading: who is to read the lesson again begins at the top, whatever this device still keeps. */
  function isOfThisReading(kept) {
    return kept.version === root.getAttribute("data-version") && kept.round === root.getAttribute("data-round")
      && furthest >= kept.stated;
  }

  /* Another reading has begun since this page came: nothing of it is sent or kept any more. */
  function endReading() {
    isOver = true;
    forgetHere();
    say("again");
  }

  function takeKept() {
    try {
      var kept = JSON.parse(localStorage.getItem(storeKey) || "null");
      if (kept && isOfThisReading(kept) && kept.position > furthest) {
        furthest = Math.min(WHOLE, kept.position);
      }
    } catch (error) {
      /* A kept place that cannot be read is no place. */
    }
  }

  function later(delay) {
    if (timer === null) {
      timer = setTimeout(save, delay);
    }
  }

  function save() {
    clearTimeout(timer);
    timer = null;
    if (isOver) {
      return;
    }
    if (sending) {
      later(SAVE_AFTER_MS);
      return;
    }
    var taken = Math.floor(seconds);
    var position = furthest;
    sending = true;
    say("saving");
    fetch(root.getAttribute("data-place-url"), {
      method: "POST",
      body: words(taken),
      credentials: "same-origin",
      headers: { Accept: "application/json" }
    }).then(function (answer) {
      if (!answer.ok && answer.status !== 409) {
        throw new Error(String(answer.status));
      }
      return answer.json();
    }).then(function (kept) {
      sending = false;
      if (kept.code === "lesson_asked_again") {
        endReading();
        return;
      }
      if (kept.code) {
        throw new Error(kept.code);
      }
      failures = 0;
      seconds -= taken;
      confirmed = position;
      stated = Math.max(stated, kept.position);
      say("saved", kept.saved_at);
      showMinutes(kept.minutes_left);
      forgetHere();
      if (furthest > position) {
        later(SAVE_AFTER_MS);
      }
    }).catch(function () {
      sending = false;
      say("unsent");
      keepHere();
      later(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      failures += 1;
    });
  }

  function saveOnLeaving() {
    tick();
    var taken = Math.floor(seconds);
    if (isOver || confirmed < 0 || (furthest <= confirmed && taken < 1)) {
      return;
    }
    keepHere();
    /* Not known to have arrived: the place stays kept here until a later save is confirmed. */
    if (navigator.sendBeacon && navigator.sendBeacon(root.getAttribute("data-place-url"), words(taken))) {
      seconds -= taken;
    }
  }

  /* --- the check question, sent by htmx --------------------------------------------------------------------------- */

  function sayFailed(event) {
    var box = event.target.closest && event.target.closest("#check-box");
    var line = box && box.querySelector("[data-send-failed]");
    if (line) {
      line.textContent = line.getAttribute("data-words");
    }
  }

  ["htmx:sendError", "htmx:responseError", "htmx:timeout"].forEach(function (name) {
    document.body.addEventListener(name, sayFailed);
  });

  /* --- start ------------------------------------------------------------------------------------------------------ */

  takeKept();
  var resumes = !isDone && furthest > 0 && !location.hash && !document.querySelector(".error-summary");
  var moved = false;
  if (resumes) {
    if ("scrollRestoration" in history) {
      history.scrollRestoration = "manual";
    }
    scrollToPlace();
    /* Pictures above the place push it down once they have their height. */
    window.addEventListener("load", function () {
      if (!moved) {
        scrollToPlace();
      }
    });
  }
  ["wheel", "touchstart", "keydown", "pointerdown"].forEach(function (name) {
    window.addEventListener(name, function () {
      moved = true;
      lastActive = Date.now();
    }, { passive: true });
  });
  var isWaiting = false;
  window.addEventListener("scroll", function () {
    if (!isWaiting) {
      isWaiting = true;
      requestAnimationFrame(function () {
        isWaiting = false;
        onMove();
      });
    }
  }, { passive: true });
  window.addEventListener("resize", onMove);
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden") {
      saveOnLeaving();
    } else {
      lastTick = Date.now();
      lastActive = Date.now();
    }
  });
  window.addEventListener("pagehide", saveOnLeaving);
  document.addEventListener("submit", function (event) {
    isSigningOut = isSigningOut || (event.target.hasAttribute("data-forgets") && !event.defaultPrevented);
  });
  window.addEventListener("online", function () {
    if (failures > 0) {
      failures = 0;
      save();
    }
  });
  setInterval(tick, 1000);
  setInterval(function () {
    if (timer === null && !sending && seconds >= 5) {
      save();
    }
  }, SAVE_EVERY_MS);
  onMove();
  /* The first save starts the server's clock. */
  save();
})();
