/* main.c - the `sedd` tool: finds the command, checks its flags, runs it. */
#include "diffusion/options.h"
#include "eval/options.h"
#include "field_flags.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct command COMMANDS[] = {
    {"info", "MODEL [--dtype f32|q8]\n  what a model is, as JSON", " ", run_info, NULL, 0, NULL},
    {"score", "MODEL --ids 1,2,3 --sigma 0.7\n  log-scores of every token at every position",
     " --ids --sigma ", run_score, NULL, 0, NULL},
    {"logits", "MODEL --ids 1,2,3\n  GPT-2's logits after every token", " --ids ", run_logits, NULL,
     0, NULL},
    {"sample",
     "MODEL [--prompt TEXT --suffix TEXT --hold POS:ID,... --trace FILE --json, and options]\n"
     "  writes text with a SEDD; the words of a prompt are held: \"Once upon a time, {20} the "
     "end.\"\n"
     "  leaves a hole of 20 tokens, {*} one that takes what --length leaves, {{ and }} are "
     "braces;\n"
     "  a prompt without holes is a beginning, and a suffix is held at the window's end;\n"
     "  a generation_config.json in the folder says what flags leave open; a batch prints as many\n"
     "  texts, with --json one object a line; `sedd options` lists the options",
     " --prompt --suffix --hold --trace --json! ", run_sample, &SEDD_SAMPLE_FIELDS,
     SEDD_FIELD_OF_SEDD | SEDD_FIELD_OF_TOOL, NULL},
    {"generate",
     "MODEL --prompt TEXT --tokens N [--json, --greedy --seed S --temperature T --top-k K "
     "--top-p P]\n"
     "  writes text with a GPT-2",
     " --prompt --tokens --json! ", run_generate, &SEDD_SAMPLE_FIELDS, SEDD_FIELD_OF_GPT2, NULL},
    {"options",
     "[--json]\n  lists the options of writing, which flags, JSON and generation_config.json share",
     " --json! ", run_options, NULL, 0, NULL},
    {"tokenize", "FOLDER --file FILE\n  text -> ids", " --file ", run_tokenize, NULL, 0, NULL},
    {"detokenize", "FOLDER --ids 1,2,3\n  ids -> the exact bytes", " --ids ", run_detokenize, NULL,
     0, NULL},
    {"bound",
     "MODEL (--file FILE | --ids 1,2,3) [--samples K --seed S --json\n"
     "      --estimator kmask|reference|lambda]\n"
     "  the upper bound on the negative log-likelihood, nats a token; reference: SEDD's own "
     "estimator,\n"
     "  MDLM's and DUO's; kmask and lambda: RADD's k-DCE and lambda-DCE\n"
     "  --chain: instead the exact value of writing from left to right, by the chain rule: one\n"
     "  network evaluation a token",
     " --file --ids --chain! --json! ", run_bound, &SEDD_BOUND_FIELDS, SEDD_FIELD_OF_SEDD, NULL},
    {"nll", "MODEL (--file FILE | --ids 1,2,3) [--json]\n  GPT-2's exact negative log-likelihood",
     " --file --ids --json! ", run_nll, NULL, 0, NULL},
    {"golden", "FOLDER\n  compares the engine with a folder of reference outputs", " ", run_golden,
     NULL, 0, NULL},
    {"bench",
     "MODEL [--length N --runs N --json, SEDD: --steps N --seed S and how to sample]\n"
     "  times a decode step, or a denoise step: the median of --runs steps, through runs of "
     "--steps",
     " --length --steps --runs --json! ", run_bench, &SEDD_SAMPLE_FIELDS, SEDD_FIELD_OF_SEDD,
     " length steps "},
    {"convert",
     "IN OUT [--dtype q8|f16|f32 --config FILE]\n"
     "  IN: a folder or a file of weights (safetensors, pytorch_model.bin, checkpoint.pth), "
     "config.json\n"
     "  beside it; q8 is the default. OUT: a folder; never left with half a file",
     " --config ", run_convert, NULL, 0, NULL},
    {"eval",
     "MODEL\n  answers one JSON object a line until its input ends (scripts/evaluate drives it)",
     " ", run_eval, NULL, 0, NULL},
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

/* Returns the exit code, which is also a failure if stdout did not take all of the output. */
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
        cli_print_fields(command, stdout);
        return 0;
    }
    bool has_folder = count > 2 && strncmp(arguments[2], "--", 2) != 0;
    bool has_output =
        command->run == run_convert && count > 3 && strncmp(arguments[3], "--", 2) != 0;
    int used = !has_folder ? 2 : has_output ? 4 : 3;
    struct cli cli = {command->name,
                      has_folder ? arguments[2] : NULL,
                      has_output ? arguments[3] : NULL,
                      command,
                      count - used,
                      arguments + used};
    if (!has_folder && command->run != run_options) {
        cli_usage(&cli, "it needs a folder", "");
    }
    return cli_check(&cli) ? command->run(&cli) : EXIT_USAGE;
}

int main(int count, char **arguments)
{
    return finish(run(count, arguments));
}
