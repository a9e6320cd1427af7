/* People: the Latin name follows the name until somebody types it, the chosen photo is shown, the slip is printed,
   further filters fold away on a phone. */
(function () {
  "use strict";

  function followName(name) {
    var latin = document.querySelector("[data-latin]");
    if (!latin || latin.value) {
      return;
    }
    var last = "";
    var timer = 0;

    latin.addEventListener("input", function () {
      last = null; // typed by hand: it stays
    });

    function suggest() {
      if (last === null || latin.value !== last || !name.value.trim()) {
        return;
      }
      fetch(name.getAttribute("data-latin-from") + "?name=" + encodeURIComponent(name.value), {
        headers: { Accept: "application/json" },
      })
        .then(function (answer) {
          return answer.ok ? answer.json() : null;
        })
        .then(function (body) {
          if (body && last !== null && latin.value === last) {
            latin.value = body.name_latin;
            last = body.name_latin;
          }
        })
        .catch(function () {
          /* Without a connection the field stays empty; the server suggests again when the form is sent. */
        });
    }

    name.addEventListener("input", function () {
      window.clearTimeout(timer);
      timer = window.setTimeout(suggest, 400);
    });
  }

  function showPhoto(field) {
    var frame = document.querySelector("[data-photo-preview]");
    field.addEventListener("change", function () {
      var file = field.files && field.files[0];
      if (!frame || !file) {
        return;
      }
      var image = document.createElement("img");
      image.width = 96;
      image.height = 128;
      image.alt = file.name;
      image.src = URL.createObjectURL(file);
      image.addEventListener("load", function () {
        URL.revokeObjectURL(image.src);
      });
      frame.textContent = "";
      frame.appendChild(image);
    });
  }

  // A phone shows the search first; the other filters open by a tap.
  if (window.matchMedia("(max-width: 639px)").matches) {
    document.querySelectorAll("[data-closes-narrow]").forEach(function (more) {
      more.open = false;
    });
  }

  var name = document.querySelector("[data-latin-from]");
  var photo = document.querySelector("[data-photo]");
  if (name) {
    followName(name);
  }
  if (photo) {
    showPhoto(photo);
  }
})();
