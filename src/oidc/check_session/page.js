"use strict";

// The provider's side of OpenID Connect Session Management 1.0, section 3.2. A client's page has this one in a frame and sends it
// `client_id session_state`; it answers whether the session is the same as when the client got that session_state.

// Characters: a client id of 200, each up to two UTF-16 units, a space, and a session_state.
const longestMessage = 400 + 1 + 43 + 1 + 64;
// What the server says of a client and an origin is kept for a while. A page has few clients; whoever invents more is not asked for.
const clientsOfAnOrigin = 8;
const remembered = 5 * 60 * 1000;
const forgottenAfterFailure = 10 * 1000;

// How the server sets the session id cookie: its name, and its attributes as in Set-Cookie.
const { cookie: cookieName, attributes: cookieAttributes } = document.documentElement.dataset;

// On its own the page has nobody to answer.
if (window.parent !== window) {
  window.addEventListener("message", receive);
}

async function receive({ source, origin, data }) {
  // Frames without an origin of their own ("null") can't be registered, nor addressed.
  if (!source || source === window || !/^https?:\/\//.test(origin)) {
    return;
  }
  let result = "error";
  try {
    result = await answer(origin, data);
  } catch {
    // Cookies or the registry are out of reach. A client must not sign its user out for that.
  }
  source.postMessage(result, origin);
}

async function answer(origin, message) {
  const question = parse(message);
  if (!question || !(await isRegistered(question.clientId, origin))) {
    return "error";
  }
  const { clientId, sessionState, salt } = question;
  const isOf = async (id) => sessionState === (await stateOf(clientId, origin, id, salt));

  // One of several counts, as it does for the server.
  const ids = cookies(cookieName).slice(0, 4);
  for (const id of ids) {
    if (await isOf(id)) {
      return "unchanged";
    }
  }
  if (!(await seesTheSessionsCookies())) {
    return "error";
  }
  return ids.length === 0 && (await isOf("")) ? "unchanged" : "changed";
}

// The client id may have spaces, session_state has none.
function parse(message) {
  if (typeof message !== "string" || message.length > longestMessage) {
    return null;
  }
  const space = message.lastIndexOf(" ");
  const sessionState = message.slice(space + 1);
  const parts = /^[\w-]{43}\.([\w-]{1,64})$/.exec(sessionState);
  return space > 0 && parts ? { clientId: message.slice(0, space), sessionState, salt: parts[1] } : null;
}

// ---- Who may ask

const asked = new Map();

// Asks the server, once for each client and origin. The answer is for anybody, so no cookie goes along and caches may keep it.
function isRegistered(clientId, origin) {
  const now = performance.now();
  for (const [query, { until }] of asked) {
    if (until < now) {
      asked.delete(query);
    }
  }
  const query = new URLSearchParams({ client_id: clientId, origin }).toString();
  let entry = asked.get(query);
  if (!entry) {
    // A frame that invents client ids must not crowd out those of others.
    const ofThisOrigin = [...asked.values()].filter((other) => other.origin === origin);
    if (ofThisOrigin.length >= clientsOfAnOrigin) {
      return false;
    }
    entry = { origin, until: now + remembered, registered: ask(query) };
    entry.registered.catch(() => {
      entry.until = performance.now() + forgottenAfterFailure;
    });
    asked.set(query, entry);
  }
  return entry.registered;
}

async function ask(query) {
  const response = await fetch(`?${query}`, {
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  if (!response.ok) {
    throw new Error(`the server answers ${response.status}`);
  }
  return (await response.json()) === true;
}

// ---- Cookies

// The values of all cookies with exactly this name.
function cookies(name) {
  return document.cookie
    .split("; ")
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .map((cookie) => cookie.slice(name.length + 1));
}

// Whether a session id cookie, if there were one, could be seen from here. Otherwise its absence says nothing, and a client that is told
// "changed" would ask the provider again and again.
async function seesTheSessionsCookies() {
  // In a frame on another site, some browsers give a page cookies of its own: it can write and read them, but the session's are elsewhere.
  // Where the page is no secure context the answer would always be no.
  if (window.isSecureContext && document.hasStorageAccess && !(await document.hasStorageAccess())) {
    return false;
  }
  // A cookie like the session's, of a name that no other frame uses at the same moment.
  const name = `${cookieName}.probe${Math.random().toString(36).slice(2)}`;
  document.cookie = `${name}=1${cookieAttributes}; Max-Age=10`;
  const seen = cookies(name).length > 0;
  document.cookie = `${name}=${cookieAttributes}; Max-Age=0`;
  return seen;
}

// ---- session_state

async function stateOf(clientId, origin, sessionId, salt) {
  const bytes = new TextEncoder().encode(clientId + origin + sessionId + salt);
  return `${base64url(await digest(bytes))}.${salt}`;
}

// Browsers have SHA-256 for secure contexts only. Others are met in development.
async function digest(bytes) {
  const subtle = window.crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sha256(bytes);
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// FIPS 180-4, section 6.2; numbers in comments are its sections.
function sha256(bytes) {
  // 5.1.1 and 5.2.1: a one bit, zeros, and the length in bits, in blocks of 16 words.
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  // No message has 2^32 bits.
  view.setUint32(padded.length - 4, bytes.length * 8);

  const { initial, constants } = sha256Numbers();
  const hash = Uint32Array.from(initial);
  const rotate = (word, by) => (word >>> by) | (word << (32 - by));
  const schedule = new Uint32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 64; t++) {
      if (t < 16) {
        schedule[t] = view.getUint32(block + 4 * t);
        continue;
      }
      const [two, fifteen] = [schedule[t - 2], schedule[t - 15]];
      const sigma0 = rotate(fifteen, 7) ^ rotate(fifteen, 18) ^ (fifteen >>> 3);
      const sigma1 = rotate(two, 17) ^ rotate(two, 19) ^ (two >>> 10);
      schedule[t] = sigma1 + schedule[t - 7] + sigma0 + schedule[t - 16];
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t++) {
      const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const choice = (e & f) ^ (~e & g);
      const first = (h + sum1 + choice + constants[t] + schedule[t]) | 0;
      const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const second = (sum0 + majority) | 0;
      [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      hash[i] += word;
    });
  }
  const result = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => result.setUint32(4 * i, word));
  return new Uint8Array(result.buffer);
}

// 4.2.2 and 5.3.3: the first 32 bits behind the point of the cube roots of the first 64 primes, and of the square roots of the first 8. A
// double has more than enough of them.
function sha256Numbers() {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) {
    if (primes.every((prime) => n % prime !== 0)) {
      primes.push(n);
    }
  }
  const fraction = (number) => Math.floor((number % 1) * 2 ** 32);
  return {
    initial: primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime))),
    constants: primes.map((prime) => fraction(Math.cbrt(prime))),
  };
}
