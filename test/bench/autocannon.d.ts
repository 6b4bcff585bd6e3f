/** As much of it as the bench uses; the package brings no types. */
declare module 'autocannon' {
  function autocannon(options: {
    readonly url: string;
    readonly connections: number;
    readonly duration: number;
    readonly requests: readonly autocannon.Request[];
  }): Promise<autocannon.Result>;

  namespace autocannon {
    type Request = {
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };
    type Result = {
      readonly duration: number;
      readonly errors: number;
      readonly timeouts: number;
      readonly non2xx: number;
      readonly '2xx': number;
      /** Milliseconds. */
      readonly latency: { readonly p99: number };
    };
  }

  export = autocannon;
}
