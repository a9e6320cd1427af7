/* Fields that belong to another choice are hidden as soon as the choice changes; the server does the same without it. */
(function () {
  "use strict";

  function follow(form) {
    Array.prototype.forEach.call(form.querySelectorAll("[data-when]"), function (part) {
      var cut = part.getAttribute("data-when").split("=");
      var choice = form.elements.namedItem(cut[0]);
      if (choice) {
        part.hidden = cut[1].split(",").indexOf(choice.value) === -1;
      }
    });
  }

  Array.prototype.forEach.call(document.querySelectorAll("main form"), function (form) {
    form.addEventListener("change", function () { follow(form); });
    follow(form);
  });
})();
