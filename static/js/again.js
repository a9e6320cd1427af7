/*
 * A script, a style or a picture that a weak line swallowed is fetched again, a few times, later each time. What somebody
 * chooses before the script of the page is there is told to it once it says that it is ("room:ready").
 *
 * Stands in every page itself (training_app/page_script.py): it must be there when everything else is lost. From the
 * first line of code on it is sent as it stands here, so it is short.
 */
(function () {
  "use strict";
  var WAITS = [700, 1500, 3000, 6000, 12000];
  document.addEventListener("error", function (event) {
    var part = event.target;
    var times = part.getAttribute ? Number(part.getAttribute("data-again") || 0) : WAITS.length;
    if (times >= WAITS.length || !part.matches("script[src], link[rel=stylesheet], img[src]")) {
      return;
    }
    setTimeout(function () {
      var anew = part;
      if (part.tagName !== "IMG") { /* scripts and styles run once per element */
        anew = document.createElement(part.tagName);
        Array.prototype.forEach.call(part.attributes, function (one) { anew.setAttribute(one.name, one.value); });
      }
      anew.setAttribute("data-again", times + 1);
      if (anew === part) {
        part.src = part.src;
      } else {
        part.replaceWith(anew);
      }
    }, WAITS[times]);
  }, true);
  var early = [];
  function note(event) {
    early.push([event.target, event.target.value, event.target.checked]);
  }
  document.addEventListener("change", note, true);
  document.addEventListener("room:ready", function () {
    document.removeEventListener("change", note, true);
    early.splice(0).forEach(function (one) {
      if (one[0].type !== "file") {
        one[0].value = one[1];
        one[0].checked = one[2];
        one[0].dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  });
})();
