// Where photographs are given: chosen or dropped. The server gets the places of uploads of its own:
// props.value is {number, role, paths}.
// Gradio runs it after dom.js, as the body of one function of (element, trigger, props, server, upload, watch).
let sent = 0;

const status = make("p", { class: "im-status", role: "status" });

function chooser(text, role, several) {
  const input = make("input", { type: "file", class: "im-unseen", accept: "image/*", multiple: several, onchange: chosen });
  async function chosen() {
    const files = [...input.files];
    input.value = ""; // the same file may be chosen again
    await send(files, role);
  }
  return make("label", { class: "im-button" }, text, input);
}

function named(file) {
  // The server keeps a file by its content and name until it is read: the same one may be on its way from another page.
  const number = String(Math.random()).slice(2);
  return new File([file], `upload-${number}-${file.name}`, { type: file.type });
}

async function send(files, role) {
  if (!files.length) return;
  const large = files.find((file) => file.size > props.most_bytes);
  if (files.length > props.most) {
    status.textContent = `There are ${files.length} files; a person is drawn from ${props.most} photographs at most, so choose fewer.`;
  } else if (large) {
    status.textContent = `${large.name} has more than ${Math.floor(props.most_bytes / 2 ** 20)} MB; make it smaller.`;
  } else {
    status.textContent = files.length > 1 ? `Sending ${files.length} files…` : `Sending ${files[0].name}…`;
    try {
      const places = [];
      for (const file of files) places.push((await upload(named(file))).path);
      status.textContent = "Looking for people…";
      props.value = { number: ++sent, role, paths: places };
      trigger("upload");
    } catch {
      status.textContent = "The server did not take it; is it still running?";
    }
  }
}

const drop = make(
  "div", { class: "im-drop" },
  chooser(props.most > 1 ? `Choose 1 to ${props.most} photographs of a person` : "Choose a photograph of a person", "source", props.most > 1),
  make("span", { class: "im-hint" }, "or drop them here"),
); // prettier-ignore
const mannequin = make("button", { type: "button", class: "im-button", onclick: () => trigger("example") }, "Try a mannequin");
const more = make("div", { class: "im-tools" }, mannequin, chooser("Take a pose from another photograph", "pose", false));
element.replaceChildren(drop, more, status);

drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("im-over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("im-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("im-over");
  send([...event.dataTransfer.files], "source");
});

document.addEventListener("imagpose:told", ({ detail }) => (status.textContent = detail)); // who was found, if anybody was looked for
document.addEventListener("imagpose:acted", () => (status.textContent = ""));
