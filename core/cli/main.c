/* main.c - the `sedd` tool: finds the command, checks its flags, runs it. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct command COMMANDS[] = {
    {"info", "MODEL [--dtype f32|q8]\n  what a model is, as JSON", " ", run_info},
    {"score", "MODEL --ids 1,2,3 --sigma 0.7\n  log-scores of every token at every position",
     " --ids --sigma ", run_score},
    {"logits", "MODEL --ids 1,2,3\n  GPT-2's logits after every token", " --ids ", run_logits},
    {"sample",
     "MODEL [--length N --steps N --seed S --batch N\n"
     "  --positions score|normalised|fixed|bounded|hitting --grid linear|cosine --gamma NATS\n"
     "  --order random|spread|confidence|margin|entropy --context all|known --no-denoise\n"
     "  --sampler analytic|euler --draw exact|official --temperature T --top-k K --top-p P\n"
     "  --prompt TEXT --suffix TEXT --hold POS:ID,... --trace FILE --json]\n"
     "  writes text with a SEDD; the words of a prompt are held: \"Once upon a time, {20} the "
     "end.\"\n"
     "  leaves a hole of 20 tokens, {*} one that takes what --length leaves, {{ and }} are "
     "braces;\n"
     "  a prompt without holes is a beginning, and a suffix is held at the window's end;\n"
     "  context known leaves masks that stay shut out of the network, for a model trained that "
     "way;\n"
     "  a generation_config.json in the folder says what flags leave open (steps, positions, "
     "order,\n"
     "  grid, context, gamma, temperature, top_k, top_p);\n"
     "  a batch prints as many texts, with --json one object a line",
     " --length --steps --seed --batch --prompt --suffix --hold --trace --json!" CLI_SAMPLING,
     run_sample},
    {"generate",
     "MODEL --prompt TEXT --tokens N [--greedy --seed S --temperature T --top-k K --top-p P "
     "--json]\n"
     "  writes text with a GPT-2",
     " --prompt --tokens --greedy! --seed --temperature --top-k --top-p --json! ", run_generate},
    {"tokenize", "FOLDER --file FILE\n  text -> ids", " --file ", run_tokenize},
    {"detokenize", "FOLDER --ids 1,2,3\n  ids -> the exact bytes", " --ids ", run_detokenize},
    {"bound",
     "MODEL (--file FILE | --ids 1,2,3) [--samples K --seed S --estimator kmask|reference --json]\n"
     "  SEDD's upper bound on the negative log-likelihood, nats a token\n"
     "  --chain: instead the exact value of writing from left to right, by the chain rule: one\n"
     "  network evaluation a token",
     " --file --ids --samples --seed --estimator --chain! --json! ", run_bound},
    {"nll", "MODEL (--file FILE | --ids 1,2,3) [--json]\n  GPT-2's exact negative log-likelihood",
     " --file --ids --json! ", run_nll},
    {"golden", "FOLDER\n  compares the engine with a folder of reference outputs", " ", run_golden},
    {"bench",
     "MODEL [--length N --runs N --json, SEDD: --steps N --seed S and how to sample]\n"
     "  times a decode step, or a denoise step: the median of --runs steps, through runs of "
     "--steps",
     " --length --steps --runs --seed --json!" CLI_SAMPLING, run_bench},
    {"convert",
     "IN OUT [--dtype q8|f16|f32 --config FILE]\n"
     "  IN: a folder or a file of weights (safetensors, pytorch_model.bin, checkpoint.pth), "
     "config.json\n"
     "  beside it; q8 is the default. OUT: a folder; never left with half a file",
     " --config ", run_convert},
    {"eval",
     "MODEL\n  answers one JSON object a line until its input ends (scripts/evaluate drives it)",
     " ", run_eval},
};

#define COMMAND_COUNT (sizeof COMMANDS / sizeof COMMANDS[0])

static void help(FILE *out)
{
    fprintf(out,
            "sedd " SEDD_VERSION " - score entropy discrete diffusion, and GPT-2 beside it\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "sedd %s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    }
    fprintf(out,
            "\nall take --kernels NAME --threads N --dtype f32|q8 (q8 quantises while loading)\n"
            "kernels here:");
    for (size_t i = 0; sedd_kernels_name(i) != NULL; i++) {
        fprintf(out, " %s", sedd_kernels_name(i));
    }
    fprintf(out, "\nexit: 0, 1 bad data or failure (one sentence on stderr), 2 usage\n");
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

static bool wants_help(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

/* Returns the exit code: a failure, too, where stdout did not take all that was printed. */
static int finish(int code)
{
    bool failed = ferror(stdout) != 0;
    int reason = 0;
    if (fclose(stdout) != 0) {
        failed = true;
        reason = errno;
    }
    if (!failed) {
        return code;
    }
    fprintf(stderr, "sedd: the output cannot be written%s%s\n", reason == 0 ? "" : ": ",
            reason == 0 ? "" : strerror(reason));
    return code == 0 ? EXIT_FAILED : code;
}

static int run(int count, char **arguments)
{
    if (count < 2 || strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0) {
        help(count < 2 ? stderr : stdout);
        return count < 2 ? EXIT_USAGE : 0;
    }
    const struct command *command = find(arguments[1]);
    if (command == NULL) {
        fprintf(stderr, "sedd: there is no command \"%s\"\n", arguments[1]);
        help(stderr);
        return EXIT_USAGE;
    }
    if (wants_help(count - 2, arguments + 2)) {
        printf("usage: sedd %s %s\n  also: --kernels NAME --threads N --dtype f32|q8\n",
               command->name, command->help);
        return 0;
    }
    bool has_folder = count > 2 && strncmp(arguments[2], "--", 2) != 0;
    bool has_output =
        command->run == run_convert && count > 3 && strncmp(arguments[3], "--", 2) != 0;
    int used = has_output ? 4 : 3;
    struct cli cli = {command->name,
                      has_folder ? arguments[2] : NULL,
                      has_output ? arguments[3] : NULL,
                      command,
                      count - used,
                      arguments + used};
    if (!has_folder) {
        cli_usage(&cli, "it needs a folder", "");
    }
    return cli_check(&cli) ? command->run(&cli) : EXIT_USAGE;
}

int main(int count, char **arguments)
{
    return finish(run(count, arguments));
}
