import { MhimError } from '../errors.js';

/** A name that a pickle refers to, `module name`. It is never looked up, only compared. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** A text so long that it can only be an array's bytes, which NumPy's pickles encode as text. Kept as UTF-8. */
export class PickleBytes {
  constructor(private readonly utf8: Uint8Array) {}

  get length(): number {
    return this.utf8.length;
  }

  /** The bytes whose Latin-1 reading the text is; undefined when a character is beyond. */
  latin1(): Uint8Array | undefined {
    const { utf8 } = this;
    const bytes = new Uint8Array(utf8.length);
    let length = 0;
    for (let at = 0; at < utf8.length; at++) {
      const first = utf8[at] as number;
      if (first < 0x80) bytes[length++] = first;
      else if (first === 0xc2 || first === 0xc3) bytes[length++] = ((first & 3) << 6) | ((utf8[++at] as number) & 0x3f);
      else return undefined;
    }
    return bytes.slice(0, length);
  }
}

/** A call that a pickle asks for; the caller decides which few it carries out. */
export interface PickleCall {
  callee: string;
  args: unknown[];
}

export interface PickleHandlers {
  /** Carries out `callee(args)`, or throws. */
  call(call: PickleCall): unknown;
  /** Resolves a persistent id (PyTorch's storages). */
  persistent(id: unknown): unknown;
  /** Gives a made object its state (`__setstate__`), or throws. */
  build(object: unknown, state: unknown): unknown;
}

/** Bounds that no honest checkpoint comes near; a state dict takes some 30 operations a tensor. */
const MAX_OPERATIONS = 1_000_000;
const MAX_INTEGER_BYTES = 255;
const MAX_TEXT_BYTES = 2 ** 20;
/** Lines hold names and numbers. */
const MAX_LINE_BYTES = 65_536;

const MARK = Symbol('mark');

/**
 * Reads a pickle without executing anything: a small stack machine over the data opcodes of protocols 0–5.
 * Whatever would import or construct is handed to `handlers`, which know a handful of names.
 * Dictionaries become Maps, tuples and lists arrays.
 * @throws MhimError `unsafe-file` for an opcode that has no place in a tensor file, `file-format` for a broken one
 */
export function readPickle(bytes: Uint8Array, handlers: PickleHandlers, path: string): unknown {
  return readPickleAt(bytes, 0, handlers, path).value;
}

/** As {@link readPickle}, of bytes that begin at `start` and may go on behind the pickle's `end`. */
export function readPickleAt(
  bytes: Uint8Array,
  start: number,
  handlers: PickleHandlers,
  path: string,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = start;

  const corrupt = (what: string) =>
    new MhimError(`the file is corrupt: its pickle ${what}.`, { code: 'file-format', path, hint: 'Copy it again.' });
  const take = (length: number): number => {
    if (!(length >= 0) || at + length > bytes.length) throw corrupt('ends too early');
    at += length;
    return at - length;
  };
  const u8 = () => view.getUint8(take(1));
  const u32 = () => view.getUint32(take(4), true);
  const length64 = () => Number(view.getBigUint64(take(8), true));
  const text = (length: number) => {
    const start = take(length);
    if (length > MAX_TEXT_BYTES) return new PickleBytes(bytes.subarray(start, start + length));
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('utf8');
  };
  const raw = (length: number) => {
    const start = take(length);
    return bytes.slice(start, start + length);
  };
  const bounded = (length: number) => {
    if (length > MAX_INTEGER_BYTES) throw corrupt('holds an integer of absurd length');
    return length;
  };
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0 || end - at > MAX_LINE_BYTES) throw corrupt('ends too early');
    const start = at;
    at = end + 1;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  };
  const pop = () => {
    if (stack.length === 0 || stack.at(-1) === MARK) throw corrupt('takes from an empty stack');
    return stack.pop();
  };
  const popMark = () => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw corrupt('has no mark');
    const items = stack.splice(mark);
    return items.slice(1);
  };
  const top = () => {
    if (stack.length === 0) throw corrupt('takes from an empty stack');
    return stack.at(-1);
  };
  const setItems = (target: unknown, items: unknown[]) => {
    if (!(target instanceof Map)) throw corrupt('fills something that is no dictionary');
    if (items.length % 2 === 1) throw corrupt('has a key without value');
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  };
  const append = (target: unknown, items: unknown[]) => {
    if (!Array.isArray(target)) throw corrupt('fills something that is no list');
    for (const item of items) target.push(item);
  };
  const recall = (key: number) => {
    if (!memo.has(key)) throw corrupt('recalls what it never stored');
    return memo.get(key);
  };
  const call = (callee: unknown, args: unknown) => {
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) throw corrupt('calls something that is no function');
    return handlers.call({ callee: callee.name, args });
  };

  for (let count = 0; count < MAX_OPERATIONS; count++) {
    const opcode = u8();
    switch (String.fromCharCode(opcode)) {
      case '\x80': // PROTO
        if (u8() > 5) throw corrupt('is of an unknown protocol');
        break;
      case '\x95': // FRAME
        take(8);
        break;
      case '.':
        return { value: pop(), end: at };
      case '(':
        stack.push(MARK);
        break;
      case '0':
        pop();
        break;
      case '1':
        popMark();
        break;
      case '2':
        stack.push(top());
        break;
      case 'N':
        stack.push(null);
        break;
      case '\x88':
        stack.push(true);
        break;
      case '\x89':
        stack.push(false);
        break;
      case 'I': {
        const value = line();
        stack.push(value === '01' ? true : value === '00' ? false : Number(value));
        break;
      }
      case 'J':
        stack.push(view.getInt32(take(4), true));
        break;
      case 'K':
        stack.push(u8());
        break;
      case 'M':
        stack.push(view.getUint16(take(2), true));
        break;
      case 'L':
        stack.push(Number(line().replace(/L$/, '')));
        break;
      case '\x8a':
        stack.push(longInteger(raw(u8())));
        break;
      case '\x8b':
        stack.push(longInteger(raw(bounded(u32()))));
        break;
      case 'F':
        stack.push(Number(line()));
        break;
      case 'G':
        stack.push(view.getFloat64(take(8), false));
        break;
      case 'V':
        stack.push(line());
        break;
      case 'X':
        stack.push(text(u32()));
        break;
      case '\x8c':
        stack.push(text(u8()));
        break;
      case '\x8d':
        stack.push(text(length64()));
        break;
      case 'T':
      case 'B':
        stack.push(raw(u32()));
        break;
      case 'U':
      case 'C':
        stack.push(raw(u8()));
        break;
      case '\x8e':
      case '\x96':
        stack.push(raw(length64()));
        break;
      case ')':
      case ']':
        stack.push([]);
        break;
      case 't':
      case 'l':
        stack.push(popMark());
        break;
      case '\x85':
        stack.push([pop()]);
        break;
      case '\x86': {
        const second = pop();
        stack.push([pop(), second]);
        break;
      }
      case '\x87': {
        const third = pop();
        const second = pop();
        stack.push([pop(), second, third]);
        break;
      }
      case 'a': {
        const item = pop();
        append(top(), [item]);
        break;
      }
      case 'e': {
        const items = popMark();
        append(top(), items);
        break;
      }
      case '}':
        stack.push(new Map());
        break;
      case 'd': {
        const items = popMark();
        const map = new Map();
        setItems(map, items);
        stack.push(map);
        break;
      }
      case 's': {
        const value = pop();
        const key = pop();
        setItems(top(), [key, value]);
        break;
      }
      case 'u': {
        const items = popMark();
        setItems(top(), items);
        break;
      }
      case 'p':
        memo.set(Number(line()), top());
        break;
      case 'q':
        memo.set(u8(), top());
        break;
      case 'r':
        memo.set(u32(), top());
        break;
      case '\x94':
        memo.set(memo.size, top());
        break;
      case 'g':
        stack.push(recall(Number(line())));
        break;
      case 'h':
        stack.push(recall(u8()));
        break;
      case 'j':
        stack.push(recall(u32()));
        break;
      case 'c':
        stack.push(new PickleGlobal(`${line()} ${line()}`));
        break;
      case '\x93': {
        const name = pop();
        const module = pop();
        if (typeof name !== 'string' || typeof module !== 'string') throw corrupt('names nothing');
        stack.push(new PickleGlobal(`${module} ${name}`));
        break;
      }
      case 'R': {
        const args = pop();
        stack.push(call(pop(), args));
        break;
      }
      case '\x81': {
        // NEWOBJ: cls(*args)
        const args = pop();
        stack.push(call(pop(), args));
        break;
      }
      case 'b': {
        const state = pop();
        stack.push(handlers.build(pop(), state));
        break;
      }
      case 'Q':
        stack.push(handlers.persistent(pop()));
        break;
      case 'P':
        stack.push(handlers.persistent(line()));
        break;
      default:
        throw new MhimError(`its pickle uses opcode 0x${opcode.toString(16)}, which a file of tensors does not need.`, {
          code: 'unsafe-file',
          path,
          hint: 'It was not loaded. Save a plain state dict instead.',
        });
    }
  }
  throw corrupt('never ends');
}

/** Little-endian two's complement; beyond 2^53 the nearest double. */
function longInteger(bytes: Uint8Array): number {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  const negative = bytes.length > 0 && ((bytes.at(-1) as number) & 0x80) !== 0;
  return Number(negative ? value - (1n << BigInt(8 * bytes.length)) : value);
}
