// Goes on when every frame has loaded, or the time is over.
const state = document.querySelector("[role=status]");
const next = document.querySelector("#next");
const frames = [...document.querySelectorAll("iframe")];
let left = frames.length;

function finish(text) {
  state.textContent = text;
  if (next) {
    location.replace(next.href);
  }
}

function outOfTime() {
  finish("Not every application has answered. Close the browser to be sure that you are signed out everywhere.");
}

const limit = setTimeout(outOfTime, Number(document.body.dataset.timeLimit));

function whenAllHaveLoaded() {
  if (left === 0) {
    clearTimeout(limit);
    finish(frames.length === 0 ? "" : "The applications that you used have been told.");
  }
}

for (const frame of frames) {
  const loaded = () => {
    left -= 1;
    whenAllHaveLoaded();
  };
  // Once: some pages lead to another one, and load twice.
  frame.addEventListener("load", loaded, { once: true });
  frame.src = frame.dataset.src;
}
whenAllHaveLoaded();
