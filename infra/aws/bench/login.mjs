// What `login` does, as a Lambda function in Node.js: opens the ticket of a link with a key from Secrets
// Manager, makes state, nonce and PKCE verifier, seals them into a cookie, and redirects. For the
// benchmark alone: it asks Lambda's runtime API itself, as a function of ours does.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import http from "node:http";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

const secrets = new SecretsManagerClient({});
const AUTHORIZE = "https://idpcvs.peugeot.com/am/oauth2/authorize";
// The places of the first ones in a ticket's number; `shared` knows more.
const SCOPES = ["openid", "profile", "email", "data:telemetry", "data:position", "data:trip", "data:alert"];
let edge;

async function ring() {
  if (!edge) {
    const answer = await secrets.send(new GetSecretValueCommand({ SecretId: process.env.EDGE_SECRET_ID }));
    edge = JSON.parse(answer.SecretString);
  }
  return edge;
}

function derived(id, label) {
  const key = Buffer.from(edge.keys[id], "base64");
  return Buffer.from(hkdfSync("sha256", key, "accessing-party", label, 32));
}

// version ‖ length of the key id ‖ key id ‖ nonce ‖ ciphertext ‖ tag, as shared/src/seal.rs has it.
function open(text, label) {
  const sealed = Buffer.from(text, "base64url");
  const end = 2 + sealed[1];
  const id = sealed.subarray(2, end).toString();
  const opener = createDecipheriv("aes-256-gcm", derived(id, label), sealed.subarray(end, end + 12));
  opener.setAAD(Buffer.from(`${label} ${id}`));
  opener.setAuthTag(sealed.subarray(-16));
  return JSON.parse(Buffer.concat([opener.update(sealed.subarray(end + 12, -16)), opener.final()]));
}

function seal(value, label) {
  const id = Buffer.from(edge.primary);
  const nonce = randomBytes(12);
  const sealer = createCipheriv("aes-256-gcm", derived(edge.primary, label), nonce);
  sealer.setAAD(Buffer.from(`${label} ${edge.primary}`));
  const sealed = [sealer.update(JSON.stringify(value)), sealer.final(), sealer.getAuthTag()];
  return Buffer.concat([Buffer.from([1, id.length]), id, nonce, ...sealed]).toString("base64url");
}

const sha256 = (text, encoding) => createHash("sha256").update(text).digest(encoding);
const token = () => randomBytes(32).toString("base64url");

async function login(event) {
  await ring();
  const now = Math.floor(Date.now() / 1000);
  const ticket = open(new URLSearchParams(event.rawQueryString).get("ticket"), "ticket/v1");
  if (ticket.x <= now) return { statusCode: 410, headers: {}, body: "" };
  const [state, nonce, verifier] = [token(), token(), token()];
  const location = new URL(AUTHORIZE);
  location.search = new URLSearchParams({
    response_type: "code",
    client_id: edge.client_ids.brands[ticket.b] ?? edge.client_ids.default,
    redirect_uri: `${process.env.PUBLIC_URL}/callback/${ticket.b}`,
    scope: SCOPES.filter((_, place) => (ticket.s >> place) & 1).join(" "),
    state,
    nonce,
    code_challenge: sha256(verifier, "base64url"),
    code_challenge_method: "S256",
    locale: ticket.l ?? "en-GB",
  });
  const h = sha256(`state\0${state}`, "hex");
  const cookie = seal({ h, v: verifier, n: nonce, x: now + 1800, t: ticket }, "login/v1");
  const name = `__Host-ap_${now.toString(16).padStart(10, "0")}_${h.slice(0, 16)}`;
  return {
    statusCode: 302,
    headers: { location: location.href, "cache-control": "no-store", "referrer-policy": "no-referrer" },
    cookies: [`${name}=${cookie}; Max-Age=1800; Path=/; Secure; HttpOnly; SameSite=Lax`],
    body: "",
  };
}

const agent = new http.Agent({ keepAlive: true });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function runtime(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { "Content-Length": Buffer.byteLength(body) } : {};
    const options = { agent, host, port, method, path: `/2018-06-01/runtime/invocation/${path}`, headers };
    const request = http.request(options, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve([answer.headers, text]);
    });
    request.on("error", reject).end(body);
  });
}

for (;;) {
  const [headers, event] = await runtime("GET", "next");
  const answer = JSON.stringify(await login(JSON.parse(event)));
  await runtime("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, answer);
}
