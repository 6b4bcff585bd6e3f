/** Plain requests, as curl would send them. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed JSON body; an empty object when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  readonly json: any;
};

type Credentials = readonly [id: string, secret: string];

export function basic([id, secret]: Credentials): string {
  const value = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return `Basic ${Buffer.from(value).toString('base64')}`;
}

/** POSTs a form; `auth` by Basic. Redirects are not followed. */
export async function postForm(
  url: string,
  form: Record<string, string> | readonly (readonly [string, string])[] | string,
  options: { readonly auth?: Credentials; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const body =
    typeof form === 'string' ? form : new URLSearchParams(form as Record<string, string>).toString();
  return answer(
    await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(options.auth === undefined ? {} : { authorization: basic(options.auth) }),
        ...options.headers,
      },
    }),
  );
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return answer(await fetch(url, { headers, redirect: 'manual' }));
}

async function answer(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
