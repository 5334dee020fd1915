"""Trains a SEDD student by self-distillation through time: one of its steps does the work of several steps of its teacher.

Usage: python3 distill.py CONFIG --data PACK --teacher MODEL --out RUN [--device auto|cpu|cuda] [--workers N]
       [--threads N] [--until STEP] [--minutes M] [--pause FILE]
SDTT, Deschenaux & Gulcehre 2024 (arXiv 2410.21035). A text is masked at a time t. The teacher samples from t to
t - 1/K in `substeps` small steps. A position's target is the teacher's distribution in the step that opened it, or in
the last step. The student learns all targets at once from the masked text at t, with the loss KL(student || target),
so that it drops tokens that the teacher would write only together with others.
Every position has a rank in [0, 1) and is masked at t when rank >= 1 - t. Ranks are random, as in the paper, or, for the
part `spread` of the texts, reversed bits: the engine's order "spread", whose masks a fast run meets.
A configuration has rounds, each with its student's K; the averaged student is the next round's teacher.
RUN/round-I/ is a run folder as train.py's; RUN/last/ is the last round's student.
"""
import machine  # first: it sets what PyTorch reads when imported

import shutil
from pathlib import Path

import torch

from config import read_config
from data import Pack
from losses import times
from model import load, total_noise
from runs import Run
from train import SAVE_EVERY, Trainer, arguments, team


def reversed_bits(count: int, length: int, random: torch.Generator) -> torch.Tensor:
    """Returns the engine's order "spread" [count, length]: each position's reversed bits, turned by a random part of
    the length."""
    turns = (torch.rand(count, 1, device=random.device, generator=random) * length).long()
    turned = (torch.arange(length, device=random.device) + turns) % length
    bits = torch.zeros(turned.shape, device=random.device)
    for bit in range(max(1, (length - 1).bit_length())):
        bits += ((turned >> bit) & 1) * 0.5 ** (bit + 1)
    return bits


def ranks(shape: torch.Size, spread: float, random: torch.Generator) -> torch.Tensor:
    """Draws when each position opens [B, L]: at random, or spread."""
    bits = reversed_bits(*shape, random)
    uniform = torch.rand(shape, device=random.device, generator=random)
    return torch.where(torch.rand(shape[0], 1, device=random.device, generator=random) < spread, bits, uniform)


@torch.no_grad()
def targets(teacher, x: torch.Tensor, t: torch.Tensor, rank: torch.Tensor, c: dict, random: torch.Generator) -> torch.Tensor:
    """Returns log-probabilities [masked rows of x, V] after the teacher's walk from t to t - 1 / student_steps."""
    first = x == teacher.vocab
    slot = torch.zeros(x.shape, dtype=torch.long, device=x.device)
    slot[first] = torch.arange(int(first.sum()), device=x.device)
    out = torch.empty(int(first.sum()), teacher.vocab, device=x.device)
    width = t.clamp(max=1 / c["student_steps"]) / c["substeps"]
    for step in range(c["substeps"]):
        now, masked = t - step * width, x == teacher.vocab
        if not masked.any():
            break
        logits = teacher.logits(teacher.hidden(x, total_noise(now))[masked])
        out[slot[masked]] = logits.log_softmax(-1)  # a later step replaces the value while the position stays masked
        race = torch.empty_like(logits).exponential_(generator=random)
        tokens = (logits.softmax(-1) / race).argmax(-1)
        stays = (rank >= 1 - (now - width)[:, None])[masked]
        x = x.masked_scatter(masked, torch.where(stays, torch.full_like(tokens, teacher.vocab), tokens))
    return out


class Distiller(Trainer):
    picks_best = False  # by design, a student's bound is looser than its teacher's

    def __init__(self, c: dict, pack: Pack, run: Run, model, teacher, *rest):
        self.teacher = teacher.to(rest[0]).eval()
        super().__init__(c, pack, run, model, *rest)

    def loss_parts(self, random: torch.Generator):
        c, model = self.c, self.model
        ids = self.text.windows(c["batch"], random)
        t = times(len(ids), random, self.device)
        rank = ranks(ids.shape, c["spread"], random)
        micro = c.get("micro", c["batch"])
        random.manual_seed(random.initial_seed() + 1 + self.workers.rank)  # the walks' own seed
        for part, at, order in self.workers.share(zip(ids.split(micro), t.split(micro), rank.split(micro))):
            hidden = order >= 1 - at[:, None]
            x = part.masked_fill(hidden, model.vocab)
            with machine.autocast(self.device, c["precision"]):
                wanted = targets(self.teacher, x, at, order, c, random)
                logits = model.logits(model.hidden(x, total_noise(at))[hidden])
                total = logits.logsumexp(-1, keepdim=True)
                log_q = logits - total
                log_z = model.log_z(total[:, 0])
                divergence = (log_q.exp() * (log_q - wanted)).sum(-1) + log_z.exp() - 1 - log_z
                yield divergence.mean() * (len(part) / len(ids))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--teacher", type=Path, required=True)
    args = parser.parse_args()
    common = read_config(args.config, ("sdtt",))
    workers, device = team(args)
    pack = Pack(args.data, common["model"]["length"])
    pack.check_model(args.teacher)
    rounds, teacher = common.pop("rounds"), args.teacher
    for i, own in enumerate(rounds):
        c = {**common, **own, "seed": common["seed"] + i}
        with Run(args.out / f"round-{i + 1}", args.data / "tokenizer.json", SAVE_EVERY, workers.first) as run:
            distiller = Distiller(c, pack, run, load(teacher), load(teacher), device, workers, args.pause)
            distiller.train(args.until, args.minutes)
        if distiller.step < c["steps"] or run.stopped:
            return
        teacher = run.folder / "last"
        workers.meet()
    if workers.first:
        shutil.copytree(teacher, args.out / "last", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
