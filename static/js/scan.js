/*
 * Reads a code with the camera where the browser can; the camera is asked for on a press alone, and goes off as soon as
 * a code is read, the page is left or hidden. Everywhere else the field below does the same.
 */
(function () {
  "use strict";

  var LOOK_MS = 250;
  var box = document.querySelector("[data-scan]");
  var form = document.querySelector("[data-scan-form]");
  if (!box || !form || !("BarcodeDetector" in window) || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    return;
  }
  var picture = box.querySelector("[data-scan-picture]");
  var said = box.querySelector("[data-scan-said]");
  var starter = box.querySelector("[data-scan-start]");
  var stopper = box.querySelector("[data-scan-stop]");
  var detector = null;
  var stream = null;
  var turn = 0; /* what was asked for before the last stop comes too late */

  function say(name) {
    said.textContent = name ? box.getAttribute("data-" + name) : "";
  }

  function show(isOn) {
    picture.hidden = !isOn;
    stopper.hidden = !isOn;
    starter.hidden = isOn;
  }

  function release(one) {
    one.getTracks().forEach(function (track) { track.stop(); });
  }

  function stop(name) {
    turn += 1;
    if (stream) {
      release(stream);
      stream = null;
    }
    picture.srcObject = null;
    show(false);
    say(name);
  }

  function found(text) {
    stop("found");
    form.elements.code.value = text;
    if (form.requestSubmit) {
      form.requestSubmit();
    } else {
      form.submit();
    }
  }

  function look(mine) {
    if (mine !== turn || !stream) {
      return;
    }
    detector.detect(picture).catch(function () {
      return []; /* the picture is not there yet */
    }).then(function (codes) {
      if (mine !== turn) {
        return;
      }
      if (codes.length && codes[0].rawValue) {
        found(codes[0].rawValue);
      } else {
        setTimeout(function () { look(mine); }, LOOK_MS);
      }
    });
  }

  function start() {
    turn += 1;
    var mine = turn;
    say("");
    navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment" } }).then(function (given) {
      if (mine !== turn || document.visibilityState === "hidden") {
        release(given);
        return;
      }
      stream = given;
      picture.srcObject = given;
      show(true);
      stopper.focus();
      say("looking");
      picture.play().catch(function () { /* it plays as soon as it is seen */ });
      look(mine);
    }).catch(function (error) {
      if (mine === turn) {
        stop(error.name === "NotAllowedError" || error.name === "SecurityError" ? "forbidden" : "missing");
      }
    });
  }

  window.BarcodeDetector.getSupportedFormats().then(function (formats) {
    if (formats.indexOf("qr_code") === -1) {
      return;
    }
    detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    box.hidden = false;
  }).catch(function () { /* the browser knows the name and not the thing */ });

  starter.addEventListener("click", start);
  stopper.addEventListener("click", function () {
    stop("stopped");
    starter.focus();
  });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden" && (stream || !starter.hidden)) {
      stop(stream ? "stopped" : "");
    }
  });
  window.addEventListener("pagehide", function () { stop(""); });
})();
