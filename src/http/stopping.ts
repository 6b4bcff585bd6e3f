/**
 * The time between being told to stop and the end. Every answer then says `Connection: close` (RFC 9112 §9.6), so that
 * whoever keeps a connection open takes the next request elsewhere, instead of losing it when the connection ends.
 */
import type { ServerResponse } from 'node:http';

export type Stopping = ReturnType<typeof createStopping>;

/** A response that is open, in a list that goes both ways: the garbage of a set is felt with every request. */
type Open = { readonly response: ServerResponse; before: Open | undefined; after: Open | undefined };

export function createStopping() {
  let first: Open | undefined;
  let isStopping = false;

  const endConnection = (response: ServerResponse) => void response.setHeader('Connection', 'close');

  return {
    isStopping: () => isStopping,

    /** To be called for every response before it is answered, and `leave` with what is returned after that. */
    enter(response: ServerResponse): Open {
      if (isStopping) endConnection(response);
      const open: Open = { response, before: undefined, after: first };
      if (first !== undefined) first.before = open;
      first = open;
      return open;
    },

    leave(open: Open): void {
      const { before, after } = open;
      // What has left must not keep its neighbours in memory.
      open.before = undefined;
      open.after = undefined;
      if (after !== undefined) after.before = before;
      if (before !== undefined) before.after = after;
      else first = after;
    },

    begin(): void {
      isStopping = true;
      for (let open = first; open !== undefined; open = open.after) {
        if (!open.response.headersSent) endConnection(open.response);
      }
    },
  };
}
