"""Tests scripts/train in one process, without workers: optimisers, prepare.py, packs, states and every configuration.

Usage: python3 pieces.py [-k NAME]
"""
import contextlib
import io
import json
import os
import socket
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/train"))
import machine  # noqa: E402, F401  first: it sets what PyTorch reads when imported

import numpy as np  # noqa: E402
import torch  # noqa: E402

import distill  # noqa: E402
import evaluate  # noqa: E402
import planned  # noqa: E402
import prepare  # noqa: E402
import train  # noqa: E402
from data import Pack  # noqa: E402
from model import build, load  # noqa: E402
from optimise import Mean, Muon, Optimizers, in_block, orthogonal, rate, thirds  # noqa: E402
from runs import Run  # noqa: E402
from start import begin, gpt2_config, sedd_config  # noqa: E402
from tokenizer import END, Tokenizer, fingerprint, learn  # noqa: E402
from workers import Workers, WorkerLost  # noqa: E402

MODEL = {"tokens": 300, "hidden": 32, "blocks": 2, "heads": 2, "cond": 16, "length": 32}
CONFIG = {"name": "tiny", "kind": "sedd", "model": MODEL, "batch": 8, "micro": 4, "steps": 30, "warmup": 5, "decay": 20,
          "lr": 0.003, "floor": 0.05, "weight_decay": 0.05, "ema": 0.9, "precision": "fp32", "seed": 3, "log_every": 50,
          "eval_every": 50}
WORDS = "a cat sat on the red mat and saw one big dog run past it to get home by dark".split()


def call(main, *arguments) -> str:
    """Runs a command of scripts/train in this process. Returns what it printed."""
    out, before = io.StringIO(), sys.argv
    sys.argv = ["command", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out):
            main()
    finally:
        sys.argv = before
    return out.getvalue()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sedd-pieces-")
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def refused(self, words: str, main, *arguments):
        with self.assertRaises(SystemExit) as caught:
            call(main, *arguments)
        self.assertRegex(str(caught.exception), words)

    def text(self, name: str, content) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def stories(self, name: str, seed: int) -> Path:
        draw = np.random.default_rng(seed)
        lines = [" ".join(draw.choice(WORDS, 60)) + "." for _ in range(60)]
        return self.text(name, f"\n{END}\n".join(lines))

    def pack(self, name: str = "pack", seed: int = 1, *more) -> Path:
        call(prepare.main, self.work / name, self.stories(f"{name}.txt", seed), "--vocab", 300, "--length", 32, *more)
        return self.work / name

    def trainer(self, pack: Path, run: str, **changes) -> train.Trainer:
        c = {**CONFIG, **changes}
        torch.manual_seed(c["seed"])
        run = Run(self.work / run, pack / "tokenizer.json", 1e9).__enter__()
        try:
            return train.Trainer(c, Pack(pack, 32), run, begin(c, None, False), torch.device("cpu"), Workers(1))
        except SystemExit:
            run.__exit__()
            raise


class MuonUpdates(Case):
    def test_an_update_is_orthogonal(self):
        """Singular values of at least a fiftieth of the largest end within 0.65 and 1.25, in both orientations."""
        for rows, columns in ((48, 48), (48, 192), (192, 48), (192, 192)):
            draw = torch.Generator().manual_seed(rows + columns)
            u, _, v = torch.linalg.svd(torch.randn(3, rows, columns, generator=draw), full_matrices=False)
            values = torch.linspace(0.02, 1, min(rows, columns)).flip(0)
            out = orthogonal(u * values @ v)
            singular = torch.linalg.svdvals(out)
            self.assertTrue(0.65 < singular.min() and singular.max() < 1.25, (rows, columns, singular))
            inner = u.transpose(-1, -2) @ out @ v.transpose(-1, -2)  # diagonal, because the singular vectors are kept
            off = (inner - torch.diag_embed(torch.diagonal(inner, dim1=-2, dim2=-1))).abs().max()
            self.assertLess(off, 0.05)
        self.assertEqual(orthogonal(torch.zeros(1, 4, 4)).abs().max(), 0)

    def test_query_key_and_value_are_three_matrices(self):
        shapes = {"sedd": ("blocks.0.attn_qkv.weight", 0), "gpt2": ("h.0.attn.c_attn.weight", 1)}
        for kind, (name, side) in shapes.items():
            c = {**CONFIG, "kind": kind}
            model = build(gpt2_config(c) if kind == "gpt2" else sedd_config(c))
            fused = dict(model.named_parameters())[name]
            self.assertEqual([tuple(part.shape) for part in thirds(fused)], [(32, 32)] * 3)
            apart = [torch.nn.Parameter(part.detach().clone()) for part in fused.chunk(3, side)]
            grad = torch.randn(fused.shape, generator=torch.Generator().manual_seed(1))
            fused.grad = grad.clone()
            for p, part in zip(apart, grad.chunk(3, side)):
                p.grad = part.clone().contiguous()
            for parameters in ([fused], apart):
                Muon(parameters, 0.1, 0.1).step()
            self.assertLess((fused - torch.cat(apart, side)).abs().max(), 1e-5)

    def test_it_takes_the_matrices_of_the_blocks(self):
        for kind, count in (("sedd", 4), ("gpt2", 4)):
            c = {**CONFIG, "kind": kind}
            model = build(gpt2_config(c) if kind == "gpt2" else sedd_config(c))
            taken = [name for name, p in model.named_parameters() if in_block(name, p)]
            self.assertEqual(len(taken), count * MODEL["blocks"], taken)
            self.assertFalse([name for name in taken if "adaLN" in name or "wte" in name or "embed" in name])

    def test_an_update_has_the_stated_size(self):
        """Root mean square 0.2 lr, as AdamW's, whatever the shape; weight decay shrinks by lr x weight_decay."""
        for shape in ((32, 32), (32, 128), (128, 32)):
            p = torch.nn.Parameter(torch.zeros(shape))
            p.grad = torch.randn(shape, generator=torch.Generator().manual_seed(2))
            Muon([p], 0.1, 0.5).step()
            self.assertAlmostEqual(float(p.pow(2).mean().sqrt()) / 0.02, 1, delta=0.25)
        p = torch.nn.Parameter(torch.ones(8, 8))
        p.grad = torch.zeros(8, 8)
        Muon([p], 0.1, 0.5).step()
        self.assertAlmostEqual(float(p[0, 0]), 0.95, places=6)

    def test_it_beats_adamw(self):
        """On stories, at the best of three rates each. Half a minute of one core."""
        shipped = Tokenizer.load(ROOT / "models/sedd-nano/tokenizer.json")
        stories = shipped.decode((ROOT / "models/validation.ids").read_text().replace(",", " ").split())
        call(prepare.main, self.work / "pack", self.text("stories.txt", stories), "--vocab", 300, "--length", 32)
        ends = {"adamw": [], "muon": []}
        shape = {**MODEL, "hidden": 64, "blocks": 3}
        for optimizer, values in ends.items():
            for lr in (0.004, 0.008, 0.016):
                trainer = self.trainer(self.work / "pack", f"{optimizer}-{lr}", kind="gpt2", optimizer=optimizer, lr=lr,
                                       model=shape, batch=16, micro=16, steps=120, decay=100, eval_every=1000)
                States.quiet(self, trainer)
                values.append(trainer.value)
        self.assertLess(min(ends["muon"]), min(ends["adamw"]) - 0.03, ends)

    def test_an_unknown_optimizer_is_refused(self):
        with self.assertRaisesRegex(SystemExit, 'optimizer "sgd"'):
            Optimizers(torch.nn.Linear(2, 2), {**CONFIG, "optimizer": "sgd"}, torch.device("cpu"))


class Rates(Case):
    def test_an_anneal_falls_from_the_plateau_to_zero(self):
        c = {**CONFIG, "steps": 1000, "decay": 0, "lr": 1.0}
        self.assertEqual(rate(500, c), 1)
        anneal = {**c, "anneal": {"from": 500, "steps": 10, "lr": rate(500, c)}, "steps": 510}
        self.assertEqual([round(rate(step, anneal), 6) for step in (500, 505, 509, 510)], [1, 0.5, 0.1, 0])

    def test_the_mean_counts_every_update_alike(self):
        model = torch.nn.Linear(1, 1)
        mean = Mean(model)
        for value in (1.0, 2.0, 6.0):
            torch.nn.init.constant_(model.weight, value)
            mean.update()
        self.assertAlmostEqual(float(mean.shadow[0]), 3, places=6)


class Prepare(Case):
    def test_text_that_is_not_utf8_is_refused_by_line(self):
        self.text("folder/a.txt", "fine\n")
        self.text("folder/b.txt", "one\ntwo\ncaf\xe9\n".encode("latin-1"))
        self.refused(r"b\.txt, line 3: byte 0xe9 is not UTF-8", prepare.main, self.work / "out", self.work / "folder")

    def test_separators_and_marks_are_kept_as_they_are(self):
        path = self.text("a.txt", b"\xef\xbb\xbfone\xe2\x80\xa8two\x0cthree\r\nfour " + END.encode() + b" five\rsix")
        self.assertEqual(prepare.documents(path), ["one\u2028two\x0cthree\nfour", "five\rsix"])

    def test_the_end_token_ends_a_document_inside_a_line(self):
        self.assertEqual(prepare.documents(self.text("a.txt", f"one{END}two\n{END}{END}\n")), ["one", "two"])

    def test_names_may_hold_an_equals_sign(self):
        story = self.stories("x=1/a.txt", 1).parent
        self.assertEqual(prepare.weighted(str(story)), (story, 1.0))
        self.assertEqual(prepare.weighted(f"{story}=2.5"), (story, 2.5))
        call(prepare.main, self.work / "out", f"{story}=3", "--vocab", 300, "--length", 32)
        about = json.loads((self.work / "out/data.json").read_text())
        self.assertEqual([(c["name"], c["weight"]) for c in about["corpora"]], [("0-x=1", 3.0)])
        for weight in ("0", "-1", "nan", "inf", "", "x"):
            self.refused("the weight is", prepare.main, self.work / "out", f"{story}={weight}")

    def test_ids_that_16_bits_cannot_hold_are_refused(self):
        story = self.stories("a.txt", 1)
        self.refused("65536", prepare.main, self.work / "out", story, "--vocab", 65537)
        wide = json.loads((self.pack() / "tokenizer.json").read_text())
        wide["added_tokens"][0]["id"] = 70000
        self.refused("ids 0 to 299", prepare.main, self.work / "out", story, "--tokenizer",
                     self.text("wide.json", json.dumps(wide)))

    def test_options_that_change_ids_are_refused_by_name(self):
        plain = json.loads((self.pack() / "tokenizer.json").read_text())
        more = {**plain["added_tokens"][0], "content": "<sep>", "id": 300}
        for name, change in (("normalizer", {"normalizer": {"type": "NFC"}}),
                             ("add_prefix_space", {"pre_tokenizer": {**plain["pre_tokenizer"], "add_prefix_space": True}}),
                             ("use_regex", {"pre_tokenizer": {**plain["pre_tokenizer"], "use_regex": False}}),
                             ("pre_tokenizer.type", {"pre_tokenizer": {"type": "Whitespace"}}),
                             ("ignore_merges", {"model": {**plain["model"], "ignore_merges": True}}),
                             ("dropout", {"model": {**plain["model"], "dropout": 0.1}}),
                             ("model.type", {"model": {**plain["model"], "type": "Unigram"}}),
                             ("added_tokens", {"added_tokens": [*plain["added_tokens"], more]})):
            self.refused(name, lambda: Tokenizer.load(self.text("t.json", json.dumps({**plain, **change}))))
        model = {key: value for key, value in plain["model"].items() if key != "type"}
        self.assertEqual(len(Tokenizer.load(self.text("t.json", json.dumps({**plain, "model": model})))), 300)

    def test_given_windows_stay_as_they_are(self):
        pack = self.pack()
        ids = np.load(pack / "valid.npy")
        listed = self.text("valid.ids", ",".join(map(str, ids.flatten())))
        other = self.pack("other", 2, "--tokenizer", pack / "tokenizer.json", "--valid", listed)
        self.assertTrue((np.load(other / "valid.npy") == ids).all())
        self.assertEqual(json.loads((other / "data.json").read_text())["corpora"][0]["documents"], 60)
        for content, words in (("1,2,3", "windows of 32"), (",".join(["300"] * 32), "ids from 300"),
                               ("a", "separated by commas")):
            self.refused(words, prepare.main, self.work / "x", self.work / "pack.txt", "--length", 32,
                         "--tokenizer", pack / "tokenizer.json", "--valid", self.text("bad.ids", content))

    def test_lost_capitals_are_mended(self):
        better = {prepare.letters(text): text for text in ("Tom ran to Ann.", "It rained.")}
        self.assertEqual(prepare.mend(["tom ran to ann.", "other", "..."], better), (["Tom ran to Ann.", "other", "..."], 1))

    def test_nothing_to_read_is_said(self):
        self.refused("no such file or folder", prepare.main, self.work / "out", self.work / "nowhere")
        self.refused("1 documents found", prepare.main, self.work / "out", self.text("one.txt", "only one"))


class Packs(Case):
    def test_foreign_packs_and_tokenizers_are_refused(self):
        ours, theirs = self.pack(), self.pack("theirs", 2)
        self.assertNotEqual(fingerprint(ours / "tokenizer.json"), fingerprint(theirs / "tokenizer.json"))
        config = self.text("c.json", json.dumps({**CONFIG, "steps": 2, "log_every": 1}))
        known = self.text("p.json", json.dumps({**CONFIG, "kind": "planned", "walks": [4], "held": 0}))
        rounds = self.text("d.json", json.dumps({**CONFIG, "kind": "sdtt", "spread": 0,
                                                 "rounds": [{"student_steps": 4, "substeps": 1, "steps": 1}]}))
        run = self.work / "run"
        call(train.main, config, "--data", ours, "--out", run)
        same = ("--data", theirs, "--out")
        self.refused("is not the tokenizer", train.main, config, *same, self.work / "a", "--start", run / "last")
        self.refused("is not the tokenizer", planned.main, known, *same, self.work / "b", "--start", run / "last")
        self.refused("is not the tokenizer", planned.main, known, "--data", ours, "--out", self.work / "b",
                     "--start", run / "last", "--teacher", self.foreign(run / "last", theirs))
        self.refused("is not the tokenizer", distill.main, rounds, *same, self.work / "c", "--teacher", run / "last")
        self.refused("is not the tokenizer", train.main, config, *same, run)
        third = self.pack("third", 3, "--tokenizer", ours / "tokenizer.json")
        self.refused("another pack", train.main, config, "--data", third, "--out", run)
        self.refused("another pack", train.main, config, "--data", third, "--out", self.work / "e",
                     "--start", run, "--anneal", 2)
        call(train.main, config, "--data", third, "--out", self.work / "f", "--start", run / "last")

    def foreign(self, model: Path, pack: Path) -> Path:
        copy = self.work / "foreign"
        copy.mkdir()
        for name in ("config.json", "model.safetensors"):
            (copy / name).write_bytes((model / name).read_bytes())
        (copy / "tokenizer.json").write_bytes((pack / "tokenizer.json").read_bytes())
        return copy

    def test_another_length_and_a_changed_tokenizer_are_refused(self):
        pack = self.pack()
        long = self.text("long.json", json.dumps({**CONFIG, "model": {**MODEL, "length": 64}}))
        self.refused("prepared with --length 32", train.main, long, "--data", pack, "--out", self.work / "run")
        learn(["something else entirely, of other words"] * 9, 300).save(pack / "tokenizer.json")
        with self.assertRaisesRegex(SystemExit, "is not the one that the text was packed with"):
            Pack(pack, 32)

    def test_a_tokenizer_is_known_by_its_content(self):
        pack = self.pack()
        data = json.loads((pack / "tokenizer.json").read_text())
        self.assertEqual(fingerprint(self.text("compact.json", json.dumps(data))), fingerprint(pack / "tokenizer.json"))


class States(Case):
    def quiet(self, trainer: train.Trainer, **limits) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.ExitStack() as stack:
            stack.push(trainer.run)
            trainer.train(**limits)
        return out.getvalue()

    def test_a_loss_that_is_not_a_number_ends_the_run(self):
        pack = self.pack()
        trainer = self.trainer(pack, "run")
        self.quiet(trainer, until=5)
        trainer = self.trainer(pack, "run")
        with torch.no_grad():
            next(trainer.model.parameters()).fill_(float("nan"))
        with self.assertRaisesRegex(SystemExit, "step 5: the loss is nan.*lower `lr`"):
            self.quiet(trainer)
        self.all_finite(self.work / "run", 5)

    def test_a_rate_that_is_too_high_ends_the_run(self):
        for lr in (1e6, 1e30):
            trainer = self.trainer(self.pack(), f"run-{lr}", lr=lr, warmup=0, optimizer="adamw")
            with self.assertRaisesRegex(SystemExit, "the last good state"):
                self.quiet(trainer)
            self.all_finite(self.work / f"run-{lr}", 0)

    def all_finite(self, run: Path, step: int):
        state = torch.load(run / "state.pt")
        self.assertEqual(state["step"], step)
        self.assertTrue(all(torch.isfinite(value).all() for value in state["model"].values()))
        self.assertTrue(all(torch.isfinite(p).all() for p in load(run / "last").parameters()))
        self.assertNotIn("NaN", (run / "log.jsonl").read_text())

    def test_changed_settings_are_applied_and_named(self):
        pack = self.pack()
        self.quiet(self.trainer(pack, "run", optimizer="muon"), until=3)
        trainer = self.trainer(pack, "run", optimizer="muon", weight_decay=0.4, lr=0.001)
        decays = {group["weight_decay"] for part in trainer.optimizers.all for group in part.param_groups}
        self.assertEqual(decays, {0.4, 0.0})
        last = json.loads((self.work / "run/log.jsonl").read_text().splitlines()[-1])
        self.assertEqual(last["changed settings"], {"lr": [0.003, 0.001], "weight_decay": [0.05, 0.4]})
        trainer.run.__exit__()
        with self.assertRaisesRegex(SystemExit, "another optimizer"):
            self.trainer(pack, "run", optimizer="adamw")

    def test_another_model_is_refused(self):
        pack = self.pack()
        self.quiet(self.trainer(pack, "run"), until=1)
        for change in ({"kind": "gpt2"}, {"model": {**MODEL, "hidden": 16}}):
            with self.assertRaisesRegex(SystemExit, "choose another --out"):
                self.trainer(pack, "run", **change)

    def test_a_state_of_a_gpu_opens_on_a_processor(self):
        pack = self.pack()
        self.quiet(self.trainer(pack, "run"), until=3)
        path = self.work / "run/state.pt"
        state = torch.load(path)
        for group in state["optimizers"][0]["param_groups"]:  # the fused optimiser of a GPU saves them so
            group.update(fused=True, foreach=False, capturable=True)
        torch.save(state, path)
        self.assertIn("step 5", self.quiet(self.trainer(pack, "run"), until=5))

    def test_a_state_of_the_first_version_opens(self):
        """It had no settings, pack and evaluation step."""
        pack = self.pack()
        self.quiet(self.trainer(pack, "run", optimizer="muon"), until=4)
        path = self.work / "run/state.pt"
        old = ("model", "optimizers", "average", "step", "tokens", "best")
        torch.save({key: value for key, value in torch.load(path).items() if key in old}, path)
        self.assertIn("step 6", self.quiet(self.trainer(pack, "run", optimizer="muon"), until=6))

    def test_a_second_run_in_a_folder_is_refused(self):
        pack = self.pack()
        trainer = self.trainer(pack, "run")
        with self.assertRaisesRegex(SystemExit, f"process {os.getpid()} trains in this folder"):
            Run(self.work / "run", pack / "tokenizer.json", 1).__enter__()
        trainer.run.__exit__()
        with Run(self.work / "run", pack / "tokenizer.json", 1):
            pass

    def test_the_first_line_does_not_wait_for_log_every(self):
        before, train.FIRST_LOG = train.FIRST_LOG, 0
        self.addCleanup(setattr, train, "FIRST_LOG", before)
        self.quiet(self.trainer(self.pack(), "run"), until=4)
        lines = [json.loads(line) for line in (self.work / "run/log.jsonl").read_text().splitlines()]
        first = next(line for line in lines if "loss" in line)
        self.assertEqual((first["step"], first["tokens_per_s"] > 0, "left_s" in first), (1, True, True))

    def test_workers_share_a_processor_only(self):
        pack = self.pack()
        config = self.text("c.json", json.dumps(CONFIG))
        command = (train.main, config, "--data", pack, "--out", self.work / "run", "--workers", 2)
        self.refused("leave --workers out", *command, "--device", "cuda")
        seen, torch.cuda.is_available = torch.cuda.is_available, lambda: True
        self.addCleanup(setattr, torch.cuda, "is_available", seen)
        self.refused("leave --workers out", *command)

    def test_a_lost_worker_has_one_message(self):
        for how in ("closed", "closed with a byte unread", "closed before the answer"):
            workers = Workers(1)
            ours, theirs = socket.socketpair()
            workers.count, workers.links = 2, [ours]
            if how == "closed with a byte unread":
                ours.send(b".")  # the socket is reset instead of closed
            elif how == "closed before the answer":
                theirs.send(b".")
            theirs.close()
            with self.subTest(how), self.assertRaisesRegex(WorkerLost, "^worker 1 of 2 has ended$"):
                workers.meet()
            ours.close()


class TimeFree(Case):
    def test_a_masked_diffusion_model_without_time_trains(self):
        pack = self.pack()
        c = {**CONFIG, "kind": "mdlm", "optimizer": "muon", "causal": {"steps": 20, "decay": 10}}
        config = self.text("c.json", json.dumps(c))
        call(train.main, config, "--data", pack, "--out", self.work / "run")
        values = [json.loads(line).get("bound") for line in (self.work / "run/log.jsonl").read_text().splitlines()]
        values = [value["nats_per_token"] for value in values if value]
        self.assertLess(values[-1], values[0] - 0.2)
        model = load(self.work / "run/last")
        known = {"model_type": "mdlm", "vocab_size": 301, "time_conditioning": False}
        self.assertEqual({key: model.config[key] for key in known}, known)
        ids = torch.tensor([[5, 300, 17, 300]])
        early, late = (model(ids, torch.tensor([sigma])) for sigma in (0.1, 3.0))
        self.assertTrue(torch.equal(early, late))
        self.assertTrue(torch.allclose(early.exp().sum(-1), torch.ones(1, 4), atol=1e-5))
        self.assertEqual((early[0, 0, 5], early[0, 1, 300]), (0, -torch.inf))

    def test_it_may_start_from_a_sedd(self):
        pack = self.pack()
        sedd = self.text("sedd.json", json.dumps({**CONFIG, "steps": 2}))
        mdlm = self.text("mdlm.json", json.dumps({**CONFIG, "kind": "mdlm", "steps": 2}))
        call(train.main, sedd, "--data", pack, "--out", self.work / "sedd")
        call(train.main, mdlm, "--data", pack, "--out", self.work / "mdlm", "--start", self.work / "sedd/last")
        self.assertTrue(load(self.work / "mdlm/last").time_free)


class Evaluation(Case):
    def test_a_model_is_measured_and_its_texts_are_judged(self):
        pack = self.pack()
        for kind in ("sedd", "gpt2"):
            config = self.text("c.json", json.dumps({**CONFIG, "kind": kind, "steps": 2}))
            call(train.main, config, "--data", pack, "--out", self.work / kind)
        common = (self.work / "sedd/last", "--windows", pack / "valid.npy", "--count", 16)
        value = json.loads(call(evaluate.main, *common, "--reps", 1))
        self.assertAlmostEqual(value["bound_normalised"]["nats_per_token"], np.log(300), delta=0.5)
        self.assertEqual(value["windows"], 16)
        judged = call(evaluate.main, *common, "--judge", self.work / "gpt2/last", "--texts", 2, "--steps", 2)
        self.assertEqual([list(json.loads(line)) for line in judged.splitlines()],
                         [["windows"], ["steps", "temperature", "judge", "entropy"]])


class Configurations(Case):
    def small(self, path: Path) -> dict:
        """A configuration at a thousandth of its size; its kind, its optimiser and its stages stay."""
        c = json.loads(path.read_text())
        c["model"] = {key: MODEL[key] for key in c["model"]}
        c.update(batch=8, micro=4, steps=2, warmup=1, eval_every=2, log_every=1, decay=min(1, c["decay"]), precision="fp32")
        if "causal" in c:
            c["causal"].update(steps=2, decay=1)
        for own in c.get("rounds", []):
            own["steps"] = 1
        return c

    def test_a_wrong_field_is_refused_by_name(self):
        pack = self.pack()
        rounds = {**CONFIG, "kind": "sdtt", "spread": 0}
        for change, words, main in (({"optimzer": "muon"}, 'unknown field "optimzer"', train.main),
                                    ({"dropout": 0.1}, 'unknown field "dropout" for kind sedd', train.main),
                                    ({"precision": "fp16"}, 'precision is "fp16"', train.main),
                                    ({"lr": "0.1"}, 'lr is "0.1"; a number', train.main),
                                    ({"batch": 0}, "batch is 0", train.main), ({"steps": 2.5}, "steps is 2.5", train.main),
                                    ({"lr": float("nan")}, "lr is NaN", train.main),
                                    ({"model": {**MODEL, "heads": 3}}, "multiple of 2 x model.heads 3", train.main),
                                    ({"model": {**MODEL, "width": 3}}, 'unknown field "model.width"', train.main),
                                    ({"causal": {"step": 3}}, 'unknown field "step"', train.main),
                                    ({"kind": "planned"}, 'kind is "planned"; this command trains sedd or', train.main),
                                    ({"kind": "planned"}, 'the field "(walks|held)" is missing', planned.main),
                                    ({**rounds, "rounds": [{"student_stps": 4}]}, 'unknown field "student_stps"', distill.main)):
            with self.subTest(words):
                config = self.text("c.json", json.dumps({**CONFIG, **change}))
                more = {planned.main: ("--start", "x"), distill.main: ("--teacher", "x")}.get(main, ())
                self.refused(words, main, config, "--data", pack, "--out", self.work / "run", *more)

    def test_a_state_that_is_none_is_said(self):
        self.text("run/state.pt", "not a state")
        config = self.text("c.json", json.dumps(CONFIG))
        self.refused("cannot be read as a saved run", train.main, config, "--data", self.pack(), "--out", self.work / "run")

    def test_every_configuration_trains(self):
        pack = self.pack()
        start = self.text("start.json", json.dumps({**CONFIG, "steps": 1}))
        call(train.main, start, "--data", pack, "--out", self.work / "start")
        for path in sorted((ROOT / "scripts/train/configs").glob("*.json")):
            with self.subTest(path.name):
                c = self.small(path)
                config, out = self.text(f"small/{path.name}", json.dumps(c)), self.work / path.stem
                common = (config, "--data", pack, "--out", out)
                if c["kind"] == "planned":
                    call(planned.main, *common, "--start", self.work / "start/last")
                elif c["kind"] == "sdtt":
                    call(distill.main, *common, "--teacher", self.work / "start/last")
                else:
                    call(train.main, *common)
                self.assertTrue((out / "last/model.safetensors").is_file())


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main(verbosity=2)
