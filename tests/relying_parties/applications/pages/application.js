// A single-page application that oidc-client-ts signs users in for, and whose session it watches. Tests call it as `application`.
const { UserManager } = window.oidc;

// What the check-session iframe has said, and what the library has made of it.
const answers = [];
const told = [];
window.addEventListener("message", ({ data }) => {
  if (typeof data === "string") {
    answers.push(data);
  }
});

const settings = await (await fetch("/settings")).json();
const manager = new UserManager({
  ...settings,
  redirect_uri: `${location.origin}/`,
  silent_redirect_uri: `${location.origin}/silent.html`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: "openid profile",
  automaticSilentRenew: false,
  monitorSession: true,
  checkSessionIntervalInSeconds: 0.05,
});
manager.events.addUserSignedOut(() => told.push("signed out"));
manager.events.addUserSessionChanged(() => told.push("session changed"));

if (new URLSearchParams(location.search).has("state")) {
  // Of a sign-in, or of a sign-out.
  await manager.signinCallback().catch(() => manager.signoutRedirectCallback());
  history.replaceState(null, "", "/");
}

window.application = {
  answers,
  told,
  // They leave the page, so there is nothing to wait for.
  signIn: () => void manager.signinRedirect(),
  signOut: () => void manager.signoutRedirect(),
  // What it knows of its user.
  async user() {
    const user = await manager.getUser();
    return user && { ...user.profile, session_state: user.session_state, access_token: user.access_token };
  },
  // Another token, in a frame that nobody sees; or why there is none.
  async renew() {
    try {
      return { sid: (await manager.signinSilent()).profile.sid };
    } catch (error) {
      return { refused: error.error ?? error.message };
    }
  },
};
