/** Keeps the prompt across a reload and a change of language, in this tab and session only. */
const KEY = 'sedd-web:prompt';

/** Restores the kept prompt in the editor, and keeps the editor's text when the reader leaves the page. @param {import('./editor.js').Editor} editor */
export function keepPrompt(editor) {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept !== null) editor.text = kept;
    addEventListener('pagehide', () => sessionStorage.setItem(KEY, editor.text));
  } catch {
    // The browser allows this page no storage.
  }
}
