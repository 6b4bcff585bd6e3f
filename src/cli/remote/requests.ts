import { Failure } from '../../base/errors.ts';

/** A server that does not answer is not waited for any longer. */
const PATIENCE_MS = 30_000;

export type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** One request. Redirects are not followed: a token goes nowhere else. */
export async function send(url: string, request: RequestInit): Promise<Answer> {
  const response = await fetch(url, {
    ...request,
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch((cause: unknown) => {
    throw new Failure('unavailable', `${new URL(url).origin} cannot be reached`, { cause });
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : jsonOf(url, text) };
}

/** A form, as OAuth endpoints take it. */
export function postForm(url: string, form: Readonly<Record<string, string>>): Promise<Answer> {
  return send(url, { method: 'POST', body: new URLSearchParams(form) });
}

function jsonOf(url: string, text: string): Answer['body'] {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch (cause) {
    throw new Failure('invalid_input', `${new URL(url).origin} is no Daypass server`, { cause });
  }
}
