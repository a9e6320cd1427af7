/*
 * Exams. The paper: saves every answer as it is given, says when the server has it, resends what it does not have.
 *
 * Writing needs an epoch, which the server hands out each time the paper is opened; an older one is refused, so the
 * newest window alone writes. What is not confirmed stands in localStorage until it is.
 */
(function () {
  "use strict";

  /* The list of who sits is not replaced while somebody answers a question about it or writes in it. */
  document.addEventListener("htmx:beforeRequest", function (event) {
    var busy = document.querySelector("dialog[open], #sitters details[open], #sitters :focus-visible");
    if (busy && event.target.id === "sitters") {
      event.preventDefault();
    }
  });

  var paper = document.querySelector("[data-paper]");
  if (!paper) {
    return;
  }
  var form = document.getElementById("paper-form");
  var token = form.querySelector("input[name=csrf_token]").value;
  var timer = document.querySelector(".paper-head .timer");
  var state = document.querySelector("[data-save-state]");
  var handIn = document.querySelector("[data-hand-in]");
  var STORE = "paper:" + paper.getAttribute("data-paper");
  var GIVEN = "paper-given:" + paper.getAttribute("data-paper");
  /* A copy of the page that the device kept: it does not know what was saved since, so it is never handed in. */
  var isCopy = document.documentElement.hasAttribute("data-from-device");
  var DELAY = 400;
  var HEARTBEAT = 20000;
  var epoch = null;
  var seq = 0;
  var queue = {}; /* item -> {answer, flagged, seq of the last try, epoch in which it was given} */
  var sending = false;
  var stopped = false;
  var over = false;
  var failures = 0;
  var waiting = null;
  var leaving = false;

  function each(selector, action, root) {
    Array.prototype.forEach.call((root || paper).querySelectorAll(selector), action);
  }

  function questionOf(item) {
    return Array.prototype.find.call(paper.querySelectorAll("[data-question]"), function (question) {
      return question.getAttribute("data-item") === item;
    });
  }

  /* --- reading and showing answers ------------------------------------------------------------------------------- */

  function answerOf(question) {
    var type = question.getAttribute("data-type");
    var answer = type === "matching" ? {} : [];
    if (type === "ordering") {
      if (question.hasAttribute("data-answered")) {
        each("[data-step]", function (step) { answer.push(step.getAttribute("data-step")); }, question);
      }
    } else if (type === "matching") {
      each("select", function (select) {
        if (select.value) {
          answer[select.getAttribute("data-prompt")] = select.value;
        }
      }, question);
    } else {
      each("input[name^='a:']:checked", function (box) { answer.push(box.value); }, question);
    }
    return answer;
  }

  function isAnswered(question) {
    if (question.getAttribute("data-type") === "matching") {
      return Array.prototype.every.call(question.querySelectorAll("select"), function (select) { return select.value; });
    }
    return answerOf(question).length > 0;
  }

  function showAnswer(question, answer, flagged) {
    var type = question.getAttribute("data-type");
    if (type === "ordering") {
      var list = question.querySelector("[data-order]");
      answer.forEach(function (id) {
        each("[data-step]", function (step) {
          if (step.getAttribute("data-step") === id) {
            list.appendChild(step);
          }
        }, question);
      });
      question.toggleAttribute("data-answered", answer.length > 0);
    } else if (type === "matching") {
      each("select", function (select) { select.value = answer[select.getAttribute("data-prompt")] || ""; }, question);
    } else {
      each("input[name^='a:']", function (box) { box.checked = answer.indexOf(box.value) !== -1; }, question);
    }
    question.querySelector("[data-flag]").checked = flagged;
  }

  function count() {
    var open = [];
    var total = 0;
    each("[data-question]", function (question) {
      var answered = isAnswered(question);
      total += 1;
      if (!answered) {
        open.push(question.getAttribute("data-number"));
      }
      each("[data-goto]", function (link) {
        if (link.getAttribute("data-goto") === question.getAttribute("data-item")) {
          link.classList.toggle("is-answered", answered);
          link.classList.toggle("is-flagged", question.querySelector("[data-flag]").checked);
        }
      });
    });
    paper.querySelector("[data-answered-count]").textContent = String(total - open.length);
    document.querySelector("[data-unanswered-count]").textContent = String(open.length);
    var words = paper.getAttribute("data-words-hand-in");
    if (open.length) {
      words += " " + paper.getAttribute("data-words-unanswered").replace("{numbers}", open.join(", "));
    }
    handIn.setAttribute("data-confirm", words);
  }

  function say(name, at) {
    state.setAttribute("data-state", name);
    if (at) {
      state.querySelector("[data-saved-at]").textContent = at;
    }
  }

  /* --- what is not confirmed ------------------------------------------------------------------------------------- */

  function remember() {
    try {
      if (Object.keys(queue).length) {
        localStorage.setItem(STORE, JSON.stringify(queue));
      } else {
        localStorage.removeItem(STORE);
      }
    } catch (error) {
      /* Storage is full or forbidden: the page itself still holds the answers and sends them again. */
    }
  }

  function recall() {
    var kept;
    try {
      kept = JSON.parse(localStorage.getItem(STORE) || "{}");
    } catch (error) {
      return;
    }
    Object.keys(kept).forEach(function (item) {
      var question = questionOf(item);
      var one = kept[item];
      /* An answer given later on another device counts more than one that this device could not send before. */
      if (question && one.epoch >= Number(question.getAttribute("data-epoch"))) {
        showAnswer(question, one.answer, one.flagged);
        queue[item] = { answer: one.answer, flagged: one.flagged, epoch: one.epoch, seq: 0 };
      }
    });
    remember();
  }

  /* What was answered since the page came, so that a copy of it shows the same; only where a copy may be kept. */
  function given() {
    try {
      return JSON.parse(localStorage.getItem(GIVEN) || "{}");
    } catch (error) {
      return {};
    }
  }

  function keepGiven(item, one) {
    if (!document.documentElement.hasAttribute("data-keep")) {
      return;
    }
    var all = given();
    all[item] = { answer: one.answer, flagged: one.flagged };
    try {
      localStorage.setItem(GIVEN, JSON.stringify(all));
    } catch (error) {
      /* A copy will show fewer answers; the server has them. */
    }
  }

  function forgetGiven() {
    try {
      localStorage.removeItem(GIVEN);
    } catch (error) {
      /* Nothing was kept. */
    }
  }

  function showGiven() {
    var all = given();
    Object.keys(all).forEach(function (item) {
      var question = questionOf(item);
      if (question) {
        showAnswer(question, all[item].answer, all[item].flagged);
      }
    });
    var notice = paper.querySelector("[data-time-over]");
    notice.hidden = false;
    notice.querySelector("[data-time-over-words]").textContent = paper.getAttribute("data-words-from-device");
    handIn.disabled = true;
  }

  function changed(question) {
    if (stopped) {
      return;
    }
    queue[question.getAttribute("data-item")] = {
      answer: answerOf(question),
      flagged: question.querySelector("[data-flag]").checked,
      epoch: epoch || Number(form.querySelector("[data-epoch-field]").value),
      seq: 0
    };
    keepGiven(question.getAttribute("data-item"), queue[question.getAttribute("data-item")]);
    remember();
    count();
    say("saving");
    later(DELAY);
  }

  /* --- talking to the server ------------------------------------------------------------------------------------- */

  function post(url, body) {
    var controller = window.AbortController ? new AbortController() : null;
    var limit = setTimeout(function () {
      if (controller) {
        controller.abort();
      }
    }, 15000);
    return fetch(url, {
      method: "POST",
      credentials: "same-origin",
      redirect: "error",
      signal: controller ? controller.signal : undefined,
      headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body)
    }).then(function (answer) {
      clearTimeout(limit);
      return answer.json().catch(function () { return {}; }).then(function (told) {
        return { status: answer.status, body: told };
      });
    }, function (error) {
      clearTimeout(limit);
      throw error;
    });
  }

  function later(delay) {
    clearTimeout(waiting);
    waiting = setTimeout(flush, delay);
  }

  function tryAgain() {
    failures += 1;
    if (Object.keys(queue).length) {
      say("unsent");
    }
    later(Math.min(15000, 500 * Math.pow(2, Math.min(failures, 5))) * (0.75 + Math.random() / 2));
  }

  function setTime(seconds) {
    if (timer && seconds !== null && seconds !== undefined) {
      timer.dispatchEvent(new CustomEvent("timer:set", { detail: seconds }));
    }
  }

  function open() {
    if (sending || stopped) {
      return;
    }
    sending = true;
    post(paper.getAttribute("data-open"), {}).then(function (told) {
      sending = false;
      if (told.status === 200) {
        failures = 0;
        epoch = told.body.epoch;
        form.querySelector("[data-epoch-field]").value = epoch;
        setTime(told.body.seconds_left);
        later(0);
      } else {
        refused(told);
      }
    }, function () {
      sending = false;
      tryAgain();
    });
  }

  function flush() {
    if (sending || stopped) {
      return;
    }
    if (epoch === null) {
      open();
      return;
    }
    var sent = Object.keys(queue).map(function (item) {
      seq += 1;
      queue[item].seq = seq;
      return { item: item, answer: queue[item].answer, flagged: queue[item].flagged, seq: seq };
    });
    form.querySelector("[data-seq-field]").value = seq + 1;
    sending = true;
    post(paper.getAttribute("data-save"), { epoch: epoch, saves: sent }).then(function (told) {
      sending = false;
      confirm(told.body.confirmed || {});
      if (told.status === 200 && told.body.epoch === null) {
        leave(paper.getAttribute("data-result"));
      } else if (told.status === 200 && told.body.epoch !== epoch) {
        stop();
      } else if (told.status === 200) {
        settled(sent.length > 0, told.body);
      } else {
        refused(told);
      }
    }, function () {
      sending = false;
      tryAgain();
    });
  }

  function confirm(seqs) {
    Object.keys(seqs).forEach(function (item) {
      if (queue[item] && queue[item].seq === seqs[item]) {
        delete queue[item];
      }
      var question = questionOf(item);
      if (question) {
        question.setAttribute("data-epoch", epoch);
      }
    });
    remember();
  }

  function settled(sentSome, body) {
    failures = 0;
    setTime(body.seconds_left);
    if (Object.keys(queue).length) {
      later(DELAY);
      return;
    }
    if (sentSome) {
      say("saved", body.saved_at);
    }
    if (isCopy) {
      leaving = true;
      location.reload();
      return;
    }
    if (over && body.seconds_left > 0) {
      /* The examiner gave more time at the last moment: the page begins anew with it. */
      leaving = true;
      location.reload();
      return;
    }
    if (over) {
      handInNow();
      return;
    }
    later(HEARTBEAT);
  }

  function refused(told) {
    var code = told.body.code;
    if (code === "opened_elsewhere" || code === "unknown_epoch") {
      stop();
    } else if (code === "already_ended" || code === "too_late" || code === "attempt_closed") {
      leave(paper.getAttribute("data-result"));
    } else if (told.status === 400 || told.status === 401 || told.status === 404 || told.status === 422) {
      reloadOnce();
    } else {
      tryAgain();
    }
  }

  /* Signed out, or a page that is too old: load it again (that leads through the sign-in); what is unsent stays kept. */
  function reloadOnce() {
    var mark = STORE + ":reloaded";
    var last = 0;
    try {
      last = Number(sessionStorage.getItem(mark) || 0);
      sessionStorage.setItem(mark, String(Date.now()));
    } catch (error) {
      last = Date.now();
    }
    if (Date.now() - last > 30000) {
      leaving = true;
      location.reload();
    } else {
      tryAgain();
    }
  }

  function stop() {
    stopped = true;
    clearTimeout(waiting);
    paper.classList.add("is-stopped");
    each("input, select, button", function (control) { control.disabled = true; }, form);
    handIn.disabled = true;
    var notice = paper.querySelector("[data-elsewhere]");
    notice.hidden = false;
    notice.scrollIntoView({ block: "center" });
    if (Object.keys(queue).length) {
      say("unsent");
    }
  }

  function leave(url) {
    stopped = true;
    leaving = true;
    queue = {};
    remember();
    forgetGiven();
    location.assign(url);
  }

  function handInNow() {
    stopped = true;
    leaving = true;
    remember();
    form.submit();
  }

  /* --- events ---------------------------------------------------------------------------------------------------- */

  function move(button) {
    var step = button.closest("[data-step]");
    var question = button.closest("[data-question]");
    var list = step.parentNode;
    var other = button.getAttribute("data-move") === "up" ? step.previousElementSibling : step.nextElementSibling;
    if (other) {
      list.insertBefore(step, button.getAttribute("data-move") === "up" ? other : other.nextElementSibling);
      each("[data-step]", function (one) { one.classList.toggle("is-moved", one === step); }, question);
      button.focus();
    }
    question.setAttribute("data-answered", "");
    var status = question.querySelector("[data-order-status]");
    status.textContent = status.getAttribute("data-words")
      .replace("{place}", String(Array.prototype.indexOf.call(list.children, step) + 1))
      .replace("{total}", String(list.children.length));
    changed(question);
  }

  paper.addEventListener("click", function (event) {
    var button = event.target.closest("[data-move]");
    if (button) {
      event.preventDefault();
      move(button);
    }
  });

  paper.addEventListener("change", function (event) {
    var question = event.target.closest("[data-question]");
    if (question) {
      changed(question);
    }
  });

  form.addEventListener("submit", function () {
    /* The whole paper goes along with a sequence newer than any save under way. */
    seq += 1;
    form.querySelector("[data-seq-field]").value = seq;
    leaving = true;
    forgetGiven();
  });

  document.addEventListener("timer:end", function () {
    over = true;
    var notice = paper.querySelector("[data-time-over]");
    notice.hidden = false;
    notice.querySelector("[data-time-over-words]").textContent = paper.getAttribute("data-words-over");
    clearTimeout(waiting);
    flush();
  });

  window.addEventListener("online", function () { later(0); });

  window.addEventListener("beforeunload", function (event) {
    if (!leaving && !stopped && Object.keys(queue).length) {
      event.preventDefault();
      event.returnValue = "";
    }
  });

  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      location.reload();
    }
  });

  each("[data-without-script]", function (part) { part.hidden = true; });
  if (isCopy) {
    showGiven();
  } else {
    forgetGiven();
  }
  recall();
  count();
  if (Object.keys(queue).length) {
    say("saving");
  }
  document.dispatchEvent(new CustomEvent("room:ready"));
  open();
})();
