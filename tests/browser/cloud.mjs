// The program under test, with data of its own, and an operator's site that browsers return to.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether nobody listens there. */
const isFree = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(false) && socket.destroy());
    socket.on('error', () => resolve(true));
  });

/** A port that is free together with the next one, which the simulated maker takes. */
async function freePair() {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 20000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

/** The operator's site: says where the browser arrived. */
async function operator() {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><title>Cars</title><link rel="icon" href="data:,"><h1>The operator’s own page</h1>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, returnTo: `http://127.0.0.1:${server.address().port}/cars` };
}

export async function start() {
  const data = await mkdtemp(join(tmpdir(), 'browser-walk-'));
  const [port, { server, returnTo }] = [await freePair(), await operator()];
  const settings = [`ReturnTo=${returnTo}`, 'OperatorName=Example Fleet'];
  const child = spawn(
    process.env.BINARY,
    ['--port', port, '--data', join(data, 'data'), ...settings.flatMap((set) => ['--set', set])].map(String),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  const ready = new Promise((resolve, reject) => {
    const listen = (text) => {
      said += text;
      if (said.includes('is running at')) resolve();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('exit', (code) => reject(new Error(`the program ended (${code}):\n${said}`)));
  });
  await ready;
  const url = `http://127.0.0.1:${port}`;
  const key = (await readFile(join(data, 'data', 'api-key'), 'utf8')).trim();

  /** Calls the operator's API. */
  async function api(method, path, body) {
    const answer = await fetch(`${url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }

  async function stop() {
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.removeAllListeners('exit');
    child.on('exit', () => server.close());
    child.kill('SIGTERM');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10000))]);
    server.close();
    await rm(data, { recursive: true, force: true });
  }

  return { url, port, returnTo, api, stop, said: () => said };
}
