/* Choose all or none of a page, and say how many are chosen. Without it every box is ticked by hand. */
(function () {
  "use strict";

  Array.prototype.forEach.call(document.querySelectorAll("[data-choices]"), function (form) {
    var boxes = Array.prototype.slice.call(form.querySelectorAll("input[type=checkbox]"));
    var words = form.querySelector("[data-chosen]");

    function count() {
      var chosen = boxes.filter(function (box) { return box.checked; }).length;
      words.textContent = words.getAttribute("data-words")
        .replace("{chosen}", String(chosen)).replace("{all}", String(boxes.length));
    }

    Array.prototype.forEach.call(form.querySelectorAll("[data-choose]"), function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        boxes.forEach(function (box) { box.checked = button.getAttribute("data-choose") === "all"; });
        count();
      });
    });
    form.addEventListener("change", count);
    count();
  });
})();
