/*
 * What is kept on this device: marks it where it is listed, and lists it on the page for "no connection".
 * The store itself is the service worker's; where there is none, nothing is promised.
 */
(function () {
  "use strict";

  if (!("serviceWorker" in navigator) || !("caches" in window)) {
    return;
  }

  function markKept() {
    caches.open("kept-pages").then(function (cache) { return cache.keys(); }).then(function (keys) {
      var kept = keys.map(function (key) { return new URL(key.url).pathname; });
      Array.prototype.forEach.call(document.querySelectorAll("[data-kept]"), function (mark) {
        mark.hidden = kept.indexOf(mark.getAttribute("data-kept")) === -1;
      });
    }).catch(function () { /* A store that cannot be read promises nothing. */ });
  }

  function titleOf(page) {
    var read = new DOMParser().parseFromString(page, "text/html");
    var head = read.querySelector("h1");
    return head ? head.textContent.trim() : "";
  }

  function listKept(list) {
    caches.open("kept-pages").then(function (cache) {
      return cache.keys().then(function (keys) {
        return Promise.all(keys.reverse().map(function (key) {
          return cache.match(key).then(function (answer) { return answer.text(); }).then(function (page) {
            return { href: new URL(key.url).pathname + new URL(key.url).search, title: titleOf(page) };
          });
        }));
      });
    }).then(function (rows) {
      var template = list.querySelector("template");
      rows.filter(function (row) { return row.title; }).forEach(function (row) {
        var line = template.content.cloneNode(true);
        line.querySelector("a").setAttribute("href", row.href);
        line.querySelector("[data-title]").textContent = row.title;
        list.appendChild(line);
      });
      list.closest("[data-kept-here]").hidden = !list.querySelector("li");
    }).catch(function () { /* Nothing is listed. */ });
  }

  navigator.serviceWorker.addEventListener("message", markKept);
  markKept();
  Array.prototype.forEach.call(document.querySelectorAll("[data-kept-list]"), listKept);
})();
