// The server of a single-page application. It serves files, and knows nobody: signing in is the page's own business.
import express from "express";

import { serve } from "./serve.mjs";

const { ISSUER, CLIENT_ID } = process.env;
const folder = import.meta.dirname ?? new URL(".", import.meta.url).pathname;

const application = express();
application.get("/settings", (request, response) => {
  response.json({ authority: ISSUER, client_id: CLIENT_ID });
});
application.use("/library", express.static(`${folder}/node_modules/oidc-client-ts/dist/browser`));
application.use(express.static(`${folder}/pages`));
serve(application);
