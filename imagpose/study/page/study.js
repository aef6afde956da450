// A rater is a random token, kept in this browser and in the page's address, which resumes anywhere.
"use strict";

const TEXT = {
  real: "Please indicate whether the following image is real or fake.",
  best: "Which image has the highest quality and is the most faithful to the person and the pose?",
};
const KEYS = { real: ["r", "f"] };
const OF_TOKEN = /^[A-Za-z0-9_-]{22}$/;
const $ = (name) => document.getElementById(name);
let token = null, now = null, sending = false;
let fresh = drawn(); // the token of whoever begins next, one however often they ask

function drawn() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
}

function known() {
  const said = location.hash.slice(1);
  if (OF_TOKEN.test(said)) return said;
  try { return localStorage.getItem("rater"); } catch { return null; }
}

function keep(one) {
  token = one;
  history.replaceState(null, "", "#" + one);
  try { localStorage.setItem("rater", one); } catch { /* the address alone resumes */ }
}

// A vote is sent until it is acknowledged: the server keeps the first of those on one question.
async function post(path, body) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 4000)) {
    try {
      const answer = await fetch(path, { method: "POST", body: JSON.stringify(body) });
      if (answer.ok || answer.status === 400 || answer.status === 403) {
        const found = await answer.json();
        tell(found.error || "");
        return answer.ok ? found : null;
      }
    } catch { /* no answer: the server is away */ }
    tell("The server does not answer. Your answer is sent again until it does.");
    await new Promise((done) => setTimeout(done, wait));
  }
}

// While something is sent, nothing else is: of a double click the second is none.
async function once(work) {
  if (sending) return;
  sending = true;
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  try {
    await work();
  } finally {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
    sending = false;
  }
}

function tell(text) { $("told").textContent = text; }

function only(name) {
  for (const one of ["start", "ask", "end"]) $(one).hidden = one !== name;
  $(name).querySelector("h1").focus();
  scrollTo(0, 0);
}

function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function picture(file, alt) { return make("img", { src: "pictures/" + file, alt }); }

function choice(value, key, text, file) {
  const radio = make("input", { type: "radio", name: "choice", value });
  radio.dataset.key = key;
  const words = [radio, make("b", { textContent: text }), make("kbd", { textContent: key.toUpperCase() })];
  if (!file) return make("label", {}, ...words);
  return make("label", { className: "pictured" }, picture(file, text), make("span", {}, ...words));
}

function show(question) {
  if (!question) return;
  now = question;
  if (question.done) {
    $("number").textContent = question.rater;
    return only("end");
  }
  $("progress").max = question.of;
  $("progress").value = question.number - 1;
  $("where").textContent = `${question.number} of ${question.of} · you are rater ${question.rater}`;
  $("text").textContent = `${question.number}. ${TEXT[question.kind]}`;
  $("practice").hidden = !question.practice;
  $("one")?.remove();
  const captions = ["The person", "The pose"];
  $("given").replaceChildren(...question.given.map((file, i) =>
    make("figure", {}, picture(file, captions[i]), make("figcaption", { textContent: captions[i] }))));
  if (question.kind === "real") {
    const one = make("div", { id: "one" }, picture(question.pictures[0], "The image to judge"));
    document.querySelector(".shown").before(one);
    $("choices").replaceChildren(choice("real", "r", "Real"), choice("fake", "f", "Fake"));
    $("hint").textContent = "or press R or F, then Enter";
  } else {
    $("choices").replaceChildren(...question.pictures.map((file, i) => choice(file, String(i + 1), `Image ${i + 1}`, file)));
    $("hint").textContent = `or press 1 ${question.pictures.length === 2 ? "or" : "to"} ${question.pictures.length}, then Enter`;
  }
  only("ask");
  for (const file of question.next) new Image().src = "pictures/" + file;
}

function send(event) {
  event.preventDefault();
  const chosen = document.querySelector("input[name=choice]:checked");
  if (!chosen) return tell("Choose an answer first.");
  once(async () => show(await post("vote", { token, item: now.item, choice: chosen.value })));
}

function begin(one) {
  once(async () => {
    keep(one);
    const question = await post("question", { token });
    if (question && one === fresh) fresh = drawn();
    show(question);
  });
}

document.addEventListener("keydown", (event) => {
  if ($("ask").hidden || sending || event.ctrlKey || event.metaKey || event.altKey) return;
  const radio = [...document.querySelectorAll("input[name=choice]")].find((one) => one.dataset.key === event.key.toLowerCase());
  if (radio) {
    radio.checked = true;
    radio.focus();
    tell("");
  } else if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
    event.preventDefault();
    $("ask").requestSubmit();
  }
});
$("ask").addEventListener("submit", send);
$("begin").addEventListener("click", () => begin(known() || fresh));
for (const name of ["fresh", "other"]) $(name).addEventListener("click", () => begin(fresh));

(async () => {
  const about = await (await fetch("about")).json();
  $("questions").textContent = `${about.questions} question${about.questions === 1 ? "" : "s"}`;
  for (const one of document.querySelectorAll("#kinds li")) one.hidden = !about.kinds.includes(one.dataset.kind);
  if (known()) {
    $("begin").textContent = "Go on where you stopped";
    $("fresh").hidden = false;
  }
  only("start");
})();
