"use strict";
// The window has loaded when all its frames have, those that failed included. A frame that never answers must not keep the user.
const state = document.getElementById("state");
const next = document.getElementById("next");
let over = false;

function goOn() {
    if (over) {
        return;
    }
    over = true;
    state.textContent = "You are signed out.";
    if (next) {
        // Not to be come back to: the frames would load again.
        location.replace(next.href);
    }
}

addEventListener("load", goOn);
setTimeout(goOn, Number(state.dataset.timeLimit));
