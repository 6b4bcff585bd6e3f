/**
 * The one reader of `Authorization: Basic` (RFC 7617) as OAuth clients send it (RFC 6749 §2.3.1): id and secret are
 * form-encoded, joined by a colon, and in base64 with or without padding.
 */

export type BasicCredentials = { readonly id: string; readonly secret: string };

/** The scheme and one word. */
const header = /^basic ([A-Za-z0-9+/]+)(={0,2})$/i;

/** RFC 6749 Appendix A: ids and secrets are printable ASCII. */
const printable = /^[\x20-\x7e]*$/;

/** `undefined` when there is no header, or one of another scheme; the secret may be empty. */
export function readBasic(value: string | undefined): BasicCredentials | 'malformed' | undefined {
  if (value === undefined || !/^basic(\s|$)/i.test(value)) return undefined;
  const [, digits, padding] = header.exec(value) ?? [];
  if (digits === undefined || padding === undefined || !isBase64(digits, padding)) return 'malformed';
  const pair = Buffer.from(digits, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon === -1) return 'malformed';
  const [id, secret] = [formDecoded(pair.slice(0, colon)), formDecoded(pair.slice(colon + 1))];
  return id === undefined || secret === undefined ? 'malformed' : { id, secret };
}

/** RFC 4648 §4; padding may be left out, but is right where it is there. */
function isBase64(digits: string, padding: string): boolean {
  const rest = digits.length % 4;
  return padding === '' ? rest !== 1 : rest !== 0 && padding.length === 4 - rest;
}

/** `undefined` for text that is not properly encoded, or not printable ASCII. */
function formDecoded(text: string): string | undefined {
  try {
    const decoded = /[%+]/.test(text) ? decodeURIComponent(text.replaceAll('+', '%20')) : text;
    return printable.test(decoded) ? decoded : undefined;
  } catch {
    // A percent sign without two hex digits, or bytes that are not UTF-8.
    return undefined;
  }
}
