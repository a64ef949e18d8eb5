import { byId, element } from './element.js';

export interface Key {
  /** `KeyboardEvent.key`s. */
  keys: readonly string[];
  text: string;
  act: (key: string) => void;
}

/** Keys of the page, and the dialog that lists them. Fields keep their own. */
export function listenToKeys(keys: readonly Key[]): void {
  const dialog = byId<HTMLDialogElement>('keys');
  const rows = keys.map(({ keys: names, text }) =>
    element(
      'div',
      {},
      element('kbd', {}, names.length > 4 ? `${names[0]}–${names.at(-1)}` : names.map(signOf).join(' ')),
      ' ',
      text,
    ),
  );
  const close = element('button', { type: 'button', onclick: () => dialog.close() }, 'Close');
  dialog.replaceChildren(element('h2', {}, 'Keys'), ...rows, close);
  byId('show-keys').onclick = () => dialog.showModal();
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (isFieldKey(event)) return;
    if (event.key === '?') {
      dialog.showModal();
      return;
    }
    const found = keys.find(({ keys: names }) => names.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.act(event.key);
  });
}

/** Arrows as they stand on the keys. */
function signOf(name: string): string {
  return { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' }[name] ?? name;
}

/** What a field makes of the key itself: text, or the slider's arrows. */
function isFieldKey({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches('[type=range]')) return /^(Arrow|Home|End|Page)/.test(key);
  return target.matches('select, textarea, [type=search]');
}
