/** The listeners of this process by topic; both engines deliver through it. */
export type Listener = {
  onMessage(message: { realm: string; message: string }): void;
  onGap(): void;
  onDoubt?(): void;
};

export function createListeners() {
  const topics = new Map<string, Set<Listener>>();

  /** The returned function removes the listener. Calling it twice does no harm. */
  function add(topic: string, listener: Listener): () => void {
    // One entry for each call: the same object may listen twice and leave once.
    const entry: Listener = {
      onMessage: (message) => listener.onMessage(message),
      onGap: () => listener.onGap(),
      onDoubt: () => listener.onDoubt?.(),
    };
    const listeners = topics.get(topic) ?? new Set();
    topics.set(topic, listeners.add(entry));
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic);
    };
  }

  function deliver(topic: string, message: { realm: string; message: string }): void {
    for (const listener of topics.get(topic) ?? []) listener.onMessage(message);
  }

  /** Tells the listeners of these topics (default: all) that they may have missed messages. */
  function gap(of: Iterable<string> = topics.keys()): void {
    for (const topic of [...of]) for (const listener of topics.get(topic) ?? []) listener.onGap();
  }

  /** Tells all listeners that messages may be missing from now on, until there is a gap. */
  function doubt(): void {
    for (const listeners of [...topics.values()]) for (const listener of listeners) listener.onDoubt?.();
  }

  return {
    add,
    deliver,
    gap,
    doubt,
    has: (topic: string) => topics.has(topic),
    topics: () => [...topics.keys()],
  };
}

export type Listeners = ReturnType<typeof createListeners>;
