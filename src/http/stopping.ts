/**
 * The time between being told to stop and the end. Every answer then says `Connection: close` (RFC 9112 §9.6), so that
 * whoever keeps a connection open takes the next request elsewhere, instead of losing it when the connection ends.
 */
import type { ServerResponse } from 'node:http';

export type Stopping = ReturnType<typeof createStopping>;

export function createStopping() {
  const open = new Set<ServerResponse>();
  let isStopping = false;

  const endConnection = (response: ServerResponse) => void response.setHeader('Connection', 'close');

  return {
    isStopping: () => isStopping,

    /** To be called for every response before it is answered, and `leave` after that. */
    enter(response: ServerResponse): void {
      if (isStopping) endConnection(response);
      open.add(response);
    },

    leave(response: ServerResponse): void {
      open.delete(response);
    },

    begin(): void {
      isStopping = true;
      for (const response of open) if (!response.headersSent) endConnection(response);
    },
  };
}
