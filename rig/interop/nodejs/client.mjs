// A client of one lock, with one of the libraries. It does what it is told, a line at
// a time, and answers each with a line:
//
//   clock    {"sent": ns}, the time now
//   acquire  {"sent": ns} when it has the lock, or {"error": "…"} when the library has given up
//   extend   {"sent": ns} | {"error": "…"}
//   release  {} | {"error": "…"}
//
// sent is when the last request left that the answer rests on, by this process's own
// clock, in ns: no node has begun to count the TTL anew before. The process ends with its
// standard input.
import { createInterface } from 'node:readline';
import Redis from 'ioredis';
import { libraries } from './libraries.mjs';

const { library, urls, key, ttl } = JSON.parse(process.argv[2]);
const now = () => Number(process.hrtime.bigint());

let sent = 0;
const clients = urls.map((url) => {
  const client = new Redis(url);
  client.on('error', () => {}); // of a node that is down: the library is told as well
  const send = client.sendCommand.bind(client);
  client.sendCommand = (...args) => {
    sent = now();
    return send(...args);
  };
  return client;
});

const lock = libraries[library](clients, key, ttl);
let held;

const orders = {
  clock: async () => ({ sent: now() }),
  acquire: async () => {
    held = await lock.acquire();
    return { sent };
  },
  extend: async () => {
    held = await lock.extend(held);
    return { sent };
  },
  release: async () => {
    await lock.release(held);
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await orders[line]().catch((e) => ({ error: `${e.name}: ${e.message}` }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const client of clients) client.disconnect();
