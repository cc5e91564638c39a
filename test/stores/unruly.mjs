// A server of documents that misbehaves as no real one lets itself be told to:
//
//   unruly.mjs PORT FOLDER
//
//   /half/FILE             says how long FILE is, and cuts the connection after half of it
//   /half-chunked/FILE     does so without having said how long it is
//   /first/N/STATUS/FILE   answers STATUS (0: a cut connection) N times, then with FILE
//   /retry/SECONDS/FILE    answers 503 with that Retry-After once, then with FILE
//   /unsaid/FILE           FILE, without saying how long it is
//   /gate/NAME/FILE        half of FILE, and the rest once /pass/NAME has been asked for; /waiting/NAME says how many wait
//   /size/BYTES            that many zeros
//   /endless  /trickle  /silent  /headers  /not-http
import { createReadStream, readFileSync, statSync } from "node:fs";
import http from "node:http";
import path from "node:path";

const [port, folder] = process.argv.slice(2);
const asked = new Map();
const gates = new Map();
const zeros = Buffer.alloc(1 << 16);

function count(url) {
    asked.set(url, (asked.get(url) ?? 0) + 1);
    return asked.get(url);
}

function gateOf(name) {
    if (!gates.has(name)) gates.set(name, { open: false, waiting: new Set() });
    return gates.get(name);
}

function send(response, name) {
    const file = path.join(folder, name);
    response.writeHead(200, { "content-length": statSync(file).size, etag: `"${path.basename(name)}"` });
    createReadStream(file).pipe(response);
}

// Writes as fast as the client reads.
function pour(response, bytes) {
    let left = bytes;
    const more = () => {
        while (left > 0 && response.writable) {
            const part = zeros.subarray(0, Math.min(left, zeros.length));
            left -= part.length;
            if (!response.write(part)) return;
        }
        if (left <= 0) response.end();
    };
    response.on("drain", more).on("error", () => {});
    more();
}

const behaviours = {
    half: (request, response, file) => {
        const bytes = readFileSync(path.join(folder, file));
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, bytes.length / 2), () => setTimeout(() => request.socket.destroy(), 50));
    },
    "half-chunked": (request, response, file) => {
        const bytes = readFileSync(path.join(folder, file));
        response.writeHead(200);
        response.write(bytes.subarray(0, bytes.length / 2), () => setTimeout(() => request.socket.destroy(), 50));
    },
    first: (request, response, times, status, file) => {
        if (count(request.url) > Number(times)) send(response, file);
        else if (status === "0") request.socket.destroy();
        else response.writeHead(Number(status)).end("not yet\n");
    },
    retry: (request, response, seconds, file) => {
        if (count(request.url) > 1) send(response, file);
        else response.writeHead(503, { "retry-after": seconds }).end("not yet\n");
    },
    unsaid: (request, response, file) => {
        response.writeHead(200);
        createReadStream(path.join(folder, file)).pipe(response);
    },
    gate: (request, response, name, file) => {
        const gate = gateOf(name);
        const bytes = readFileSync(path.join(folder, file));
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, bytes.length / 2));
        const pass = () => response.end(bytes.subarray(bytes.length / 2));
        if (gate.open) return pass();
        gate.waiting.add(pass);
        response.on("close", () => gate.waiting.delete(pass));
    },
    pass: (request, response, name) => {
        const gate = gateOf(name);
        gate.open = true;
        for (const pass of gate.waiting) pass();
        response.end();
    },
    waiting: (request, response, name) => response.end(String(gateOf(name).waiting.size)),
    size: (request, response, bytes) => {
        response.writeHead(200, { "content-length": bytes });
        pour(response, Number(bytes));
    },
    endless: (request, response) => {
        response.writeHead(200);
        pour(response, Infinity);
    },
    trickle: (request, response) => {
        response.writeHead(200, { "content-length": 1000000 });
        const timer = setInterval(() => response.write("."), 200);
        response.on("close", () => clearInterval(timer));
    },
    silent: () => {},
    headers: (request) => {
        const { socket } = request;
        socket.on("error", () => {});
        socket.write("HTTP/1.1 200 OK\r\n");
        const more = () => {
            while (socket.writable && socket.write(`x-more: ${"x".repeat(1000)}\r\n`));
        };
        socket.on("drain", more);
        more();
    },
    "not-http": (request) => request.socket.end("220 mail.example.com ESMTP\r\n"),
};

http.createServer((request, response) => {
    const [behaviour, ...details] = request.url.slice(1).split("/");
    response.on("error", () => {});
    try {
        behaviours[behaviour](request, response, ...details);
    } catch {
        response.writeHead(404).end("no such thing\n");
    }
}).listen(Number(port), "127.0.0.1", 4096);
