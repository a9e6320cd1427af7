/*
 * The award queue: everybody who may be awarded is selected by one press, and the button says how many it awards.
 * Without this file the press loads the page again with everybody selected.
 */
(function () {
  "use strict";

  function boxesOf(formId) {
    return Array.from(document.querySelectorAll("#" + formId + " input[type=checkbox]:not(:disabled)"));
  }

  function say(formId) {
    const boxes = boxesOf(formId);
    const count = boxes.filter((box) => box.checked).length;
    document.querySelectorAll("[data-checked-in='" + formId + "']").forEach((words) => {
      words.textContent = count ? words.dataset.countWords.replace("COUNT", count) : words.dataset.words;
    });
    document.querySelectorAll("[data-check-all='" + formId + "']").forEach((link) => {
      const label = link.querySelector("[data-label-text]") || link;
      label.textContent = count === boxes.length ? link.dataset.noneWords : link.dataset.allWords;
    });
  }

  document.querySelectorAll("[data-check-all]").forEach((link) => {
    const formId = link.dataset.checkAll;
    link.setAttribute("role", "button");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const boxes = boxesOf(formId);
      const all = boxes.some((box) => !box.checked);
      boxes.forEach((box) => { box.checked = all; });
      say(formId);
    });
    link.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        link.click();
      }
    });
    document.addEventListener("change", (event) => {
      if (event.target.form && event.target.form.id === formId) {
        say(formId);
      }
    });
    say(formId);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-check-all]").forEach((link) => say(link.dataset.checkAll));
  });
})();
