// A web application that leaves signing in and out to express-openid-connect, back-channel logout included.
import express from "express";
import openid from "express-openid-connect";

import { serve } from "./serve.mjs";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, ORIGIN, RESPONSE_MODE } = process.env;

// The sessions that a logout token has ended, in the form of express-session's stores.
const ended = new Map();
const endedSessions = {
  get: (id, done) => done(null, ended.get(id)),
  set: (id, session, done) => done(null, ended.set(id, session)),
  destroy: (id, done) => done(null, ended.delete(id)),
};

const application = express();
application.use(
  openid.auth({
    issuerBaseURL: ISSUER,
    baseURL: ORIGIN,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    clientAuthMethod: "client_secret_basic",
    secret: "what this application seals its own cookies with",
    authRequired: false,
    authorizationParams: {
      response_type: "code",
      response_mode: RESPONSE_MODE,
      scope: "openid profile email",
    },
    idpLogout: true,
    backchannelLogout: { store: endedSessions },
  }),
);
application.get("/", async (request, response) => {
  response.json({ user: request.oidc.user ?? null, logout_tokens: ended.size });
});
// An application whose pages are on another origin than its callback.
application.get("/login-and-go-elsewhere", (request, response) => {
  response.oidc.login({ returnTo: ORIGIN.replace("127.0.0.1", "localhost") });
});
application.use((error, request, response, next) => {
  console.error(request.originalUrl, error);
  response.status(error.statusCode ?? 500).json({ error: error.error ?? error.message });
});
serve(application);
