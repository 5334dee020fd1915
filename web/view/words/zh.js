/** 两个元素上的全部文字，简体中文；名称与键和 en.js 完全相同（tests/web/strings.test.mjs 会检查）。 */

export const player = {
  recorded: '录制的运行',
  of: '，模型 ',
  facts: (steps, denoised, length, seed) =>
    `${steps} 步${denoised ? '，另有最后的去噪' : ''} \u00b7 ${length} 个词元 \u00b7 种子 ${seed}`,
};

export const timeline = {
  label: '时间轴',
  play: '播放',
  pause: '暂停',
  back: '后退一步',
  forward: '前进一步',
  speed: '回放速度',
  step: '步',
  place: (step, total, open, length) => `第 ${step} 步，共 ${total} 步；${length} 个词元中已定 ${open} 个`,
};

export const sheet = {
  label: (steps, length) => `整个运行：自上而下 ${steps} 步，自左而右 ${length} 个位置`,
  places: (length) => `${length} 个位置 →`,
  steps: (steps) => `${steps} 步 →`,
  mask: '掩码',
  fresh: '在这一步揭开',
  kept: '保持',
  held: '给定的',
};

export const cells = {
  label: '文字的词元',
  masked: '掩码',
  hole: '待写',
  held: (text) => `${text}，给定的`,
  fresh: (text) => `${text}，新`,
  space: '空格',
  lineBreak: '换行',
};

export const controls = {
  prompt: '文字；{20} 留出 20 个词元',
  seed: '种子',
  random: '随机',
  steps: '步数',
  first: '在这里运行',
  run: '写作',
  stop: '停止',
  report: '复制比较结果',
  load: '正在载入',
};

export const twin = {
  writing: 'GPT-2，从左到右',
  name: (count, ms) => `GPT-2，从左到右：${count} 个词元，${ms} 毫秒`,
  verdict: (faster, times) => `就这一次运行，在这台设备上，${faster} 的速度是对方的 ${times} 倍。`,
};

export const demo = {
  engine: '正在载入引擎',
  loading: (percent, megabytes) => `正在载入：${megabytes} MB 的 ${percent}%`,
  step: (step, total, open, length) => `第 ${step} 步，共 ${total} 步；${length} 个词元中已定 ${open} 个`,
  done: (length, steps, denoised, ms, seed) =>
    `${length} 个词元，${steps} 步${denoised ? '，另有最后的去噪' : ''}，${ms} 毫秒，种子 ${seed}`,
  stopped: '已停止。',
  comparing: (round, rounds) => `正在轮流测量：第 ${round} 轮，共 ${rounds} 轮`,
  copied: '比较结果已复制到剪贴板。',
  shown: '这里不允许使用剪贴板；比较结果在下方。',
};
