/** Defines scenarios of the page, the same for every browser: the actions of a person, performed from inside the page. */
const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

/** Waits until a condition is true. */
export async function until(check, what, ms = 30000) {
  for (const end = performance.now() + ms; !check(); ) {
    if (performance.now() > end) throw new Error(`${what} did not happen in ${ms} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

async function ready() {
  await until(() => document.body.dataset.ready === 'true', 'the live model');
  $('#full-speed').checked = true;
}
const rest = () =>
  until(
    () => !document.body.classList.contains('busy') && $('#status').textContent + $('#form-error').textContent !== '',
    'the end of the run',
  );
const masks = () => all('#cells .sedd-cell.mask').length;
const press = (key, options = {}) =>
  (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options }),
  );

function fill(selector, value) {
  const field = $(selector);
  field.value = String(value);
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.dispatchEvent(new Event('change', { bubbles: true }));
}

/** Types a prompt as a person does: the editor measures it before the next press. */
async function type(prompt) {
  fill('#prompt', prompt);
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
}

async function write(fields = {}) {
  for (const [name, value] of Object.entries(fields)) fill(`[name=${name}]`, value);
  $('#status').textContent = ''; // clears the message of the previous run
  $('#run').click();
  await rest();
}

/** Returns the whole text of the cells. */
function text() {
  $('#take').click();
  return $('#prompt').value;
}

export async function run(fields) {
  await ready();
  await write(fields);
  return { cells: all('#cells .sedd-cell').length, masks: masks(), status: $('#status').textContent, text: text() };
}

export async function stop() {
  await ready();
  await type('Once upon a time');
  fill('[name=steps]', 900);
  $('#run').click();
  await until(() => masks() > 0 && masks() < 122, 'the first tokens');
  document.activeElement?.blur();
  press('Escape');
  await until(() => $('#status').textContent === 'Stopped.', 'the stop');
  await write({ steps: 4 });
  return masks();
}

export async function scrubInspectBranch() {
  await ready();
  await type('Once upon a time');
  await write({ steps: 12, seed: 99 });
  const first = text();
  await type('Once upon a time');
  fill('#timeline input[type=range]', 6);
  const masked = masks();
  $('#cells .sedd-cell.mask').click();
  await until(() => $('.candidate'), 'the candidates');
  const facts = $('.facts').textContent;
  all('.candidate')[1].click();
  await until(() => $('.tree .branch'), 'the branch');
  await rest();
  const branch = text();
  $('#share').click();
  await until(() => location.hash.includes('seed=99'), 'the link');
  return { first, masked, facts, branch, link: location.href };
}

export async function opened() {
  await until(() => $('.tree .branch'), 'the branch of the link');
  await rest();
  return text();
}

export async function infill(prompt) {
  await ready();
  await type(prompt);
  await write({ steps: 6 });
  return text();
}

/**
 * Makes a run that is shown slowly. Returns the status, how much is masked when the run is complete, and how long it is
 * shown.
 */
export async function paced() {
  await ready();
  $('#full-speed').checked = false;
  await type('Once upon a time');
  fill('[name=steps]', 6); // few steps, so that even a slow machine completes them long before they are shown
  const begin = performance.now();
  $('#run').click();
  await until(() => document.body.classList.contains('busy'), 'the run');
  await until(() => / tokens in .* ms/.test($('#status').textContent), 'the end of the run');
  const early = masks();
  await rest();
  return { early, masks: masks(), ms: performance.now() - begin, status: $('#status').textContent };
}

/** Returns the distance in pixels of each heading from where its link should scroll to. */
export async function links() {
  await ready();
  const off = {};
  for (const id of ['library', 'race', 'tree', 'likelihood', 'noise', 'stage']) {
    scrollTo(0, 0);
    $(`.contents a[href="#${id}"]`).click();
    let before = NaN;
    for (let still = 0; still < 12; ) {
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      const { top } = $(`#${id}`).getBoundingClientRect();
      still = top === before ? still + 1 : 0;
      before = top;
    }
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    off[id] =
      end && before >= 0 && before < innerHeight
        ? 0
        : before - parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
  }
  return off;
}

export async function narrow() {
  document.documentElement.style.setProperty('width', '320px');
  document.documentElement.style.setProperty('overflow', 'hidden');
  await new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
  });
  const wide = document.body.scrollWidth;
  document.documentElement.removeAttribute('style');
  return wide;
}

/** Returns the violations that axe-core finds, one line each. */
export async function violations() {
  await new Promise((resolve, reject) => {
    document.head.append(
      Object.assign(document.createElement('script'), {
        src: '/node_modules/axe-core/axe.min.js',
        onload: resolve,
        onerror: reject,
      }),
    );
  });
  return (await globalThis.axe.run()).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' ; ')}`,
  );
}

/**
 * Pauses a run after three steps and returns what every part of the figure shows. Then tries the branch form with an
 * invalid seed.
 */
export async function pausedAndWrong() {
  await ready();
  await type('Once upon a time'); // the tab has kept the text of the previous run
  fill('[name=steps]', 900);
  $('#single').click();
  await until(() => /^step 1 of 901/.test($('#position').textContent), 'the first step');
  for (const step of [2, 3]) {
    $('#timeline [part~=forward]').click();
    await until(() => $('#position').textContent.startsWith(`step ${step} of 901`), `step ${step}`);
  }
  await until(() => $('#status').textContent.startsWith('Step 3 of 901'), 'the status');
  const slider = $('#timeline input[type=range]');
  const told = [$('#timeline [part~=count]').textContent, `${slider.value} / ${slider.max}`];
  press('Escape');
  await until(() => $('#status').textContent === 'Stopped.', 'the stop');
  fill('[name=branch-seed]', 'x');
  $('#branch').click();
  const { name } = document.activeElement;
  const marked = $('[name=branch-seed]').getAttribute('aria-invalid');
  fill('[name=branch-seed]', 3);
  return {
    told,
    name,
    marked,
    left: $('#branch-error').textContent + $('[name=branch-seed]').getAttribute('aria-invalid'),
  };
}

/** Three demos on one page. */
export async function demos() {
  await customElements.whenDefined('sedd-demo');
  return Promise.all(
    all('sedd-demo').map(async (demo) => {
      demo.steps = 3;
      return (await demo.run()).text;
    }),
  );
}
