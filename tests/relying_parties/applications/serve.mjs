// What all applications here do in the same way.
import { createServer } from "node:http";

// Listens, and says so on standard output. When standard input ends, the test has: nothing is left behind then.
export function serve(handler) {
  const { port } = new URL(process.env.ORIGIN);
  createServer(handler).listen(port, "127.0.0.1", () => console.log("listening"));
  process.stdin.resume().on("end", () => process.exit());
}

export function json(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

export function redirect(response, to) {
  response.writeHead(303, { Location: String(to) }).end();
}
