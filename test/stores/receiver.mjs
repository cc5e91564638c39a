// A receiver of webhooks, which verifies them with the Standard Webhooks' own library:
//
//   receiver.mjs PORT SECRET RECORD [CERTIFICATE KEY]
//
// What it got is appended to the file RECORD, a JSON object per line: at (ms), path, id, attempt (of that id, from 1),
// verified (true, or why not), headers, body, status (what it answered). What it answers depends on the path:
//
//   /ok                        204
//   /status/500[/SECONDS]      that status, with Retry-After
//   /fail/30                   500 to 30 % of the attempts
//   /first/3/500               500 to the first 3 attempts of each id, then 204
//   /late/2000                 204 after 2000 ms
//   /hang  /cut  /garbage  /endless  /redirect    no answer; a cut connection; bytes that are no text; a body without an end
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { Webhook } from "standardwebhooks";

const [port, secret, record, certificate, key] = process.argv.slice(2);
const webhook = new Webhook(secret);
const attempts = new Map();

function verified(body, headers) {
    try {
        webhook.verify(body, headers);
        return true;
    } catch (error) {
        return String(error.message);
    }
}

// Of many attempts, that share; and the same ones in each run.
function fails(id, attempt, percent) {
    return createHash("sha256").update(`${id} ${attempt}`).digest().readUInt32BE() % 100 < percent;
}

function answer(request, response, status, headers = {}) {
    response.writeHead(status, headers);
    response.end(status === 204 ? undefined : `this is answer ${status}\n`);
    return status;
}

const behaviours = {
    ok: (_, request, response) => answer(request, response, 204),
    status: ([status, seconds], request, response) =>
        answer(request, response, Number(status), seconds ? { "retry-after": seconds } : {}),
    fail: ([percent], request, response, id, attempt) =>
        answer(request, response, fails(id, attempt, Number(percent)) ? 500 : 204),
    first: ([count, status], request, response, id, attempt) =>
        answer(request, response, attempt <= Number(count) ? Number(status) : 204),
    late: ([ms], request, response) => {
        setTimeout(() => answer(request, response, 204), Number(ms));
        return 204;
    },
    hang: () => 0,
    cut: (_, request) => {
        request.socket.destroy();
        return 0;
    },
    garbage: (_, request, response) => {
        response.writeHead(500);
        response.end(Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0xc3]), Buffer.alloc(5000, 0xe4)]));
        return 500;
    },
    endless: (_, request, response) => {
        response.writeHead(200);
        const more = () => {
            while (response.writable && response.write("more and more and more "));
        };
        response.on("drain", more).on("error", () => {});
        more();
        return 200;
    },
    redirect: (_, request, response) => answer(request, response, 307, { location: "/ok" }),
};

function received(request, response) {
    const parts = [];
    request.on("error", () => {});
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
        const body = Buffer.concat(parts).toString();
        const id = request.headers["webhook-id"] ?? "";
        const attempt = (attempts.get(id) ?? 0) + 1;
        attempts.set(id, attempt);
        const [behaviour, ...details] = request.url.slice(1).split("/");
        const entry = { at: Date.now(), path: request.url, id, attempt, verified: verified(body, request.headers) };
        const status = (behaviours[behaviour] ?? behaviours.ok)(details, request, response, id, attempt);
        appendFileSync(record, JSON.stringify({ ...entry, status, headers: request.headers, body }) + "\n");
    });
}

const server = certificate
    ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, received)
    : http.createServer(received);
server.listen(Number(port), "127.0.0.1", 4096);
