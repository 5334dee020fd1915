/** Keeps the prompt over a reload and a change of language, for this tab and its session only. */
const KEY = 'sedd-web:prompt';

/** Puts the kept prompt into the editor and keeps what stands there when the page is left. @param {import('./editor.js').Editor} editor */
export function keepPrompt(editor) {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept !== null) editor.text = kept;
    addEventListener('pagehide', () => sessionStorage.setItem(KEY, editor.text));
  } catch {
    // The browser keeps nothing for this page.
  }
}
