/** Duplicate members in a JSON text (RFC 8259 §4): readers differ in which of them counts. */

/** A string or a structural character. Between these are only white space, numbers and literals. */
const parts = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

/** The position of the reader: in an object with the keys seen so far, or at an index of an array. */
type Frame = { readonly keys?: Set<string>; at: string | number; isAwaitingKey: boolean };

/**
 * The path of the first duplicate member, or `undefined`. The text must be valid JSON. Keys are compared after
 * unescaping. Reads once, without recursion.
 */
export function findRepeatedKey(text: string): readonly (string | number)[] | undefined {
  const frames: Frame[] = [];
  for (const [part] of text.matchAll(parts)) {
    const frame = frames.at(-1);
    if (part.startsWith('"')) {
      if (frame?.isAwaitingKey === true && isRepeated(frame, part)) return frames.map(({ at }) => at);
    } else {
      move(frames, frame, part);
    }
  }
  return undefined;
}

function isRepeated(frame: Frame, part: string): boolean {
  const key: string = part.includes('\\') ? JSON.parse(part) : part.slice(1, -1);
  frame.at = key;
  frame.isAwaitingKey = false;
  if (frame.keys?.has(key) === true) return true;
  frame.keys?.add(key);
  return false;
}

function move(frames: Frame[], frame: Frame | undefined, mark: string): void {
  switch (mark) {
    case '{':
      frames.push({ keys: new Set(), at: '', isAwaitingKey: true });
      break;
    case '[':
      frames.push({ at: 0, isAwaitingKey: false });
      break;
    case ',':
      if (frame !== undefined) next(frame);
      break;
    default:
      frames.pop();
  }
}

function next(frame: Frame): void {
  if (typeof frame.at === 'number') frame.at += 1;
  else frame.isAwaitingKey = true;
}
