// Whether the server still runs: it is asked every other second, and a sentence says where it does not.
// Gradio runs it after results.js, in the same function.
const EVERY = 2000; // milliseconds
const note = make("p", { class: "im-refused im-alive", role: "alert", hidden: true });
element.append(note);
let run = null; // the server's name for itself, another one each time that it is started
let gone = false;

function tell(sentence) {
  note.textContent = sentence;
  note.hidden = !sentence;
}

async function look() {
  const answer = await fetch("/alive", { cache: "no-store" }).catch(() => null);
  const name = answer?.ok ? await answer.text().catch(() => null) : null;
  if (!name) {
    if (!gone) tell("The server has stopped; start it again, and this page can be used again.");
    if (["waiting", "drawing"].includes(props.value?.state)) show({ state: "stopped", says: "The server stopped before it was drawn." });
  } else if (run && name !== run) {
    document.dispatchEvent(new CustomEvent("imagpose:forgotten"));
    trigger("back");
    tell("The server was started again and has no photographs; add them again.");
  } else if (gone) tell("");
  gone = !name;
  run = name ?? run;
  setTimeout(look, EVERY);
}

document.addEventListener("imagpose:acted", () => gone || tell(""));
look();
