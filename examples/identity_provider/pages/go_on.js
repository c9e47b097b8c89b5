// Goes on when every frame has loaded, or the time is over.
const state = document.querySelector("[role=status]");
const next = document.querySelector("#next");
const frames = [...document.querySelectorAll("iframe")];
let left = frames.length;

function finish() {
  state.textContent = frames.length === 0 ? "" : "The applications that you used have been told.";
  if (next) {
    location.replace(next.href);
  }
}

const limit = setTimeout(finish, Number(document.body.dataset.timeLimit));
for (const frame of frames) {
  frame.addEventListener("load", () => {
    left -= 1;
    if (left === 0) {
      clearTimeout(limit);
      finish();
    }
  });
  frame.src = frame.dataset.src;
}
if (left === 0) {
  clearTimeout(limit);
  finish();
}
