/*
 * The code for a customer: asked for when its box is seen, renewed in good time, taken away once it is over.
 * Without a connection it says so and lets the permit's own code stand in.
 */
(function () {
  "use strict";

  var RETRY_MS = 4000;

  function two(number) {
    return number < 10 ? "0" + number : String(number);
  }

  function start(box) {
    var part = box.querySelector("[data-live-part]");
    var offline = box.querySelector("[data-live-offline]");
    var dialog = box.closest("dialog");
    var next = 0;
    var ends = 0;
    var last = Date.now();
    var asking = false;
    var refused = false;
    var askAgainAt = 0;

    function isSeen() {
      return document.visibilityState === "visible" && (!dialog || dialog.open);
    }

    function read() {
      var code = part.querySelector("[data-live-next]");
      next = code ? Number(code.getAttribute("data-live-next")) : 0;
      ends = code ? Number(code.getAttribute("data-live-ends")) : 0;
      last = Date.now();
      var clock = part.querySelector("[data-live-clock]");
      if (clock) {
        clock.hidden = false;
      }
      draw();
    }

    function draw() {
      var figure = part.querySelector("[data-live-figure]");
      if (figure) {
        var left = Math.max(0, Math.ceil(next));
        figure.textContent = two(Math.floor(left / 60)) + ":" + two(left % 60);
      }
      box.classList.toggle("is-over", ends <= 0 || !offline.hidden);
      if (dialog) {
        dialog.classList.toggle("has-live", ends > 0 && offline.hidden);
      }
    }

    function away(is) {
      offline.hidden = !is;
      draw();
    }

    function ask() {
      if (asking) {
        return;
      }
      asking = true;
      fetch(box.getAttribute("data-live"), {
        method: "POST",
        credentials: "same-origin",
        headers: { "X-CSRFToken": box.getAttribute("data-csrf"), "X-Part": "live" }
      }).then(function (answer) {
        if (answer.status === 400 || answer.status === 401) {
          location.reload(); /* signed out, or open for too long */
          return null;
        }
        if (!answer.ok && answer.status !== 409) {
          throw new Error(String(answer.status));
        }
        refused = answer.status === 409;
        return answer.text().then(function (words) {
          part.innerHTML = words; /* a page of ours, every value escaped by the server */
          read();
          away(false);
        });
      }).catch(function () {
        askAgainAt = Date.now() + RETRY_MS;
        away(true);
      }).then(function () {
        asking = false;
      });
    }

    function tick() {
      var now = Date.now();
      var passed = Math.max(0, now - last) / 1000;
      last = now;
      next -= passed;
      ends -= passed;
      draw();
      if (isSeen() && !refused && next <= 0 && now >= askAgainAt) {
        ask();
      }
    }

    window.addEventListener("offline", function () { away(true); });
    window.addEventListener("online", function () { askAgainAt = 0; next = 0; tick(); });
    document.addEventListener("visibilitychange", tick);
    if (dialog) {
      dialog.addEventListener("close", function () { refused = false; });
      new MutationObserver(tick).observe(dialog, { attributes: true, attributeFilter: ["open"] });
    }
    if (!navigator.onLine) {
      away(true);
    }
    refused = Boolean(part.querySelector(".live-refusal"));
    read();
    setInterval(tick, 500);
    tick();
  }

  Array.prototype.forEach.call(document.querySelectorAll("[data-live]"), start);
})();
