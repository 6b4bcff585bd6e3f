/** The answer of the fast path, with status 200. */
export type FastAnswer = { readonly body: object; readonly headers?: Readonly<Record<string, string>> };
