/** What the short way of a request says with 200. */
export type FastAnswer = { readonly body: object; readonly headers?: Readonly<Record<string, string>> };
