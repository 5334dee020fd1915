"""Fine-tunes a SEDD for runs of few steps whose positions are planned beforehand, with the engine's context "known".

Usage: python3 planned.py CONFIG --data PACK --start MODEL --out RUN [--teacher MODEL] [--device auto|cpu|cuda]
       [--workers N] [--threads N] [--until STEP] [--minutes M] [--pause FILE]
A walk of T steps over a window opens its masks in the order "spread" (positions by their reversed bits, from a random
start) at the times of the cosine grid. In a step the network sees the known tokens and the masks that are about to open;
the masks that stay shut are left out, as in partition generative models (Deschenaux, Tran, Gulcehre 2025, arXiv
2505.18883). The loss is the score entropy of the opening tokens, a step drawn in proportion to how many open in it: its
expectation, in nats a token, bounds -ln p(text) of the very sampler that the student will run. With a teacher, which has
every mask in place, the distributions of the opening tokens are compared instead: (KL(p || q) + KL(q || p)) / 2, less noisy
than the one token that the text has there. A part `held` of the micro-batches has a beginning or two ends that are
given. Validation is the bound in the configuration's first number of steps.
"""
import machine  # first: it sets what PyTorch reads when imported

import math
from pathlib import Path

import torch

from config import read_config
from data import Pack, generator
from distill import reversed_bits
from evaluate import summary, token_loss
from model import load, total_noise
from runs import Run
from train import SAVE_EVERY, Trainer, arguments, team

TIME_END = 1e-5  # where the engine's grid ends, too


def grid(steps: int, step: int) -> float:
    """Returns the time of a step on the cosine grid."""
    return TIME_END + (1 - TIME_END) * math.cos(math.pi / 2 * step / steps)


def plan(steps: int, masks: int) -> list[int]:
    """Returns how many of `masks` are open before each step, and at last all: what the engine's `fixed` positions do."""
    opened, left = [0], masks
    for step in range(steps):
        share = (grid(steps, step) - grid(steps, step + 1)) / grid(steps, step)
        count = left if step + 1 == steps else min(max(math.floor(share * left + 0.5), 1), left)
        left -= count
        opened.append(masks - left)
    return opened


def order(count: int, length: int, held: int, ends: bool, random: torch.Generator) -> torch.Tensor:
    """Returns positions [count, length]: `held` given ones first, then the others as they open. The given ones are the
    beginning, or, with `ends`, the beginning and the end around a hole at a random place."""
    places = torch.arange(length, device=random.device)
    rank = reversed_bits(count, length, random)
    first = torch.full((count, 1), held, device=random.device)
    if ends:
        first = (torch.rand(count, 1, device=random.device, generator=random) * (held + 1)).long()
    given = (places < first) | (places >= first + length - held)
    return torch.where(given, rank - 1, rank).argsort(1)


def opening_states(model, ids: torch.Tensor, positions: torch.Tensor, known: int, opening: int, t: float, context: int):
    """Returns the states [B * opening, H] of the masks at positions[:, known:known + opening]. The network sees
    positions[:, :context]."""
    seen = positions[:, :context]
    x = ids.gather(1, seen)
    x[:, known:] = model.vocab
    sigma = total_noise(torch.full((len(ids),), t, device=ids.device))
    return model.hidden(x, sigma, seen)[:, known:known + opening].flatten(0, 1)


def opening_loss(model, ids: torch.Tensor, positions: torch.Tensor, known: int, opening: int, t: float):
    """Returns cross-entropy and Z - 1 - ln Z [B * opening] of the tokens that open."""
    states = opening_states(model, ids, positions, known, opening, t, known + opening)
    return token_loss(model, states, ids.gather(1, positions[:, known:known + opening]).flatten())


def divergence(model, teacher, ids: torch.Tensor, positions: torch.Tensor, known: int, opening: int, t: float):
    """Returns (KL(p || q) + KL(q || p)) / 2 and Z - 1 - ln Z [B * opening]. The teacher p sees all masks; q is the
    student."""
    with torch.no_grad():
        log_p = teacher.logits(opening_states(teacher, ids, positions, known, opening, t, ids.shape[1])).log_softmax(-1)
    logits = model.logits(opening_states(model, ids, positions, known, opening, t, known + opening))
    total = logits.logsumexp(-1, keepdim=True)
    log_q, log_z = logits - total, model.log_z(total[:, 0])
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1) / 2, log_z.exp() - 1 - log_z


@torch.no_grad()
def path_bound(model, windows: torch.Tensor, steps: int, seed: int):
    """Returns the nats a token of each window along one walk of `steps` steps from nothing; scores normalised."""
    random, opened = generator(windows.device, seed, 0), plan(steps, windows.shape[1])
    positions = order(*windows.shape, 0, False, random)
    total = torch.zeros(len(windows), dtype=torch.float64, device=windows.device)
    for step, (known, end) in enumerate(zip(opened, opened[1:])):
        loss, _ = opening_loss(model, windows, positions, known, end - known, grid(steps, step))
        total += loss.view(len(windows), -1).sum(1)
    return (total / windows.shape[1]).cpu().numpy()


class Planned(Trainer):
    def __init__(self, c: dict, pack: Pack, run: Run, model, teacher, *rest):
        self.teacher = teacher and teacher.to(rest[0]).eval()
        super().__init__(c, pack, run, model, *rest)

    def loss_parts(self, random: torch.Generator):
        c, length = self.c, self.c["model"]["length"]
        ids = self.text.windows(c["batch"], random)
        pieces = []
        for part in ids.split(c["micro"]):
            u = torch.rand(5, device=self.device, generator=random).tolist()
            steps = c["walks"][int(u[0] * len(c["walks"]))]
            held = int(u[2] * length) if u[1] < c["held"] else 0
            opened = plan(steps, length - held)
            step = next(i for i in range(steps) if u[3] * (length - held) < opened[i + 1])
            positions = order(len(part), length, held, u[4] < 0.5, random)
            pieces.append((part, positions, held + opened[step], opened[step + 1] - opened[step], grid(steps, step)))
        for piece in self.workers.share(pieces):
            with machine.autocast(self.device, c["precision"]):
                models = (self.model, self.teacher) if self.teacher else (self.model,)
                loss, calibration = (divergence if self.teacher else opening_loss)(*models, *piece)
                yield (loss + calibration).mean() * (len(piece[0]) / len(ids))

    def validate(self, model, repeats: int = 1) -> dict:
        steps = self.c["walks"][0]
        return {f"bound_in_{steps}_steps": summary(path_bound(model, self.valid, steps, 0))}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--teacher", type=Path)
    args = parser.parse_args()
    c = read_config(args.config, ("planned",))
    workers, device = team(args)
    pack = Pack(args.data, c["model"]["length"])
    for folder in filter(None, (args.start, args.teacher)):
        pack.check_model(folder)
    torch.manual_seed(c["seed"])
    with Run(args.out, args.data / "tokenizer.json", SAVE_EVERY, workers.first) as run:
        teacher = load(args.teacher) if args.teacher else None
        trainer = Planned(c, pack, run, load(args.start), teacher, device, workers, args.pause)
        trainer.train(args.until, args.minutes)


if __name__ == "__main__":
    main()
