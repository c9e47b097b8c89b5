// A web application with one user, whom it signs in with openid-client. It says in JSON what came of each step.
import { webcrypto } from "node:crypto";

import { json, redirect, serve } from "./serve.mjs";

// Node.js 18 has it, but not everywhere.
globalThis.crypto ??= webcrypto;
const client = await import("openid-client");

const { ISSUER, CLIENT_ID, CLIENT_SECRET, ORIGIN } = process.env;
const authentication = CLIENT_SECRET ? client.ClientSecretPost(CLIENT_SECRET) : client.None();
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, authentication, {
  // Signatures are checked although the ID token comes from the token endpoint itself.
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
});

// What the answers to requests that are under way have to fit to, by their state.
const expected = new Map();
let tokens;
let refreshTokenBefore;
let logoutState;

const steps = {
  // Parameters of the query go on to the provider.
  async "/login"(url, response) {
    const parameters = Object.fromEntries(url.searchParams);
    const [pkceCodeVerifier, expectedState, expectedNonce] = [
      client.randomPKCECodeVerifier(),
      client.randomState(),
      client.randomNonce(),
    ];
    const maxAge = parameters.max_age && Number(parameters.max_age);
    expected.set(expectedState, { pkceCodeVerifier, expectedState, expectedNonce, maxAge, idTokenExpected: true });
    const address = client.buildAuthorizationUrl(config, {
      redirect_uri: `${ORIGIN}/callback`,
      scope: "openid profile email",
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
      ...parameters,
    });
    redirect(response, address);
  },

  async "/callback"(url, response) {
    const checks = expected.get(url.searchParams.get("state"));
    tokens = await client.authorizationCodeGrant(config, url, checks);
    json(response, 200, { claims: tokens.claims() });
  },

  async "/userinfo"(url, response) {
    json(response, 200, await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub));
  },

  async "/refresh"(url, response) {
    refreshTokenBefore = tokens.refresh_token;
    tokens = await client.refreshTokenGrant(config, refreshTokenBefore);
    json(response, 200, { claims: tokens.claims(), rotated: tokens.refresh_token !== refreshTokenBefore });
  },

  // As a thief would, who has copied it.
  async "/refresh-with-the-one-before"(url, response) {
    await client.refreshTokenGrant(config, refreshTokenBefore);
    json(response, 200, {});
  },

  async "/logout"(url, response) {
    logoutState = client.randomState();
    const address = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: `${ORIGIN}/signed-out`,
      state: logoutState,
    });
    redirect(response, address);
  },

  async "/signed-out"(url, response) {
    json(response, 200, { same_state: url.searchParams.get("state") === logoutState });
  },
};

serve(async (request, response) => {
  const url = new URL(request.url, ORIGIN);
  try {
    await steps[url.pathname](url, response);
  } catch (error) {
    console.error(url.pathname, error);
    // An OAuth error, or what the library itself does not like.
    json(response, 400, { error: error.error ?? error.code ?? String(error) });
  }
});
