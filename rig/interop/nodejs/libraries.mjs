// The libraries, each as its own documentation shows it and with its own defaults, but
// where a comment says why not; only the TTL is given. Each is { acquire, extend, release } of one key; extend and
// release fail by throwing.
import Redlock4 from 'redlock';
import Redlock5 from 'redlock-5';
import { createRedlock, IoredisAdapter } from 'redlock-universal';

const must = (done, what) => {
  if (!done) throw new Error(what);
};

export const libraries = {
  'redlock-4': (clients, key, ttl) => {
    const redlock = new Redlock4(clients);
    redlock.on('clientError', () => {});
    return {
      acquire: () => redlock.acquire([key], ttl),
      extend: (lock) => lock.extend(ttl),
      release: (lock) => lock.unlock(),
    };
  },

  'redlock-5': (clients, key, ttl) => {
    // It counts the lease from when it began to wait: one that it waited for longer than the
    // TTL it cannot extend. So it gives up sooner, and is asked again.
    const redlock = new Redlock5(clients, { retryCount: 3 });
    return {
      acquire: () => redlock.acquire([key], ttl),
      extend: (lock) => lock.extend(ttl), // the lock that it was is void then
      release: (lock) => lock.release(),
    };
  },

  'redlock-universal': (clients, key, ttl) => {
    const redlock = createRedlock({ adapters: clients.map((c) => new IoredisAdapter(c)), key, ttl });
    return {
      acquire: () => redlock.acquire(),
      extend: async (handle) => {
        must(await redlock.extend(handle, ttl), 'extend returned false');
        return handle;
      },
      release: async (handle) => must(await redlock.release(handle), 'release returned false'),
    };
  },
};
