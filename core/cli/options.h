/*
 * options.h - the tool's command line: `sedd COMMAND MODEL --flag value ...`.
 */
#ifndef SEDD_CLI_OPTIONS_H
#define SEDD_CLI_OPTIONS_H

#include "sedd.h"

#define EXIT_FAILED 1 /* bad data or a failure */
#define EXIT_USAGE 2

struct cli {
    const char *command;
    const char *folder; /* the model, or NULL */
    const char *output; /* the folder to write (convert), or NULL */
    const struct command *definition;
    int argument_count;
    char **arguments; /* behind the folders */
};

struct command {
    const char *name;
    const char *help;  /* one line of what it does, then its own flags */
    const char *flags; /* " --steps --json! ": a ! marks flags without a value */
    int (*run)(struct cli *cli);
};

/* Value of a flag, "" for one without, NULL if it is not there. */
const char *cli_text(const struct cli *cli, const char *flag);
bool cli_has(const struct cli *cli, const char *flag);
/* Numbers; a value that is none, or out of range, ends the program with the usage. */
double cli_number(const struct cli *cli, const char *flag, double fallback, double low,
                  double high);
int32_t cli_integer(const struct cli *cli, const char *flag, int32_t fallback, int32_t low,
                    int32_t high);
uint64_t cli_seed(const struct cli *cli);
/* The number of the flag's word in a list with spaces between; 0: the first, or no such flag. */
int32_t cli_word(const struct cli *cli, const char *flag, const char *words);
/* The words of sedd.h's enums, in their order. */
#define CLI_SAMPLERS "analytic euler"
#define CLI_DRAWS "exact official"
#define CLI_POSITIONS "score normalised fixed bounded hitting"
#define CLI_ORDERS "random spread confidence margin entropy"
#define CLI_GRIDS "linear cosine"
#define CLI_CONTEXTS "all known"
/* How to sample: everything but sizes, seed and held tokens (steps only where the model's folder
 * says, else as they are): what the folder's generation_config.json says, then the flags. Failing
 * prints one sentence, returns false. */
#define CLI_SAMPLING                                                                               \
    " --sampler --draw --positions --order --grid --context --gamma --no-denoise! --temperature"   \
    " --top-k --top-p "
bool cli_sampling(const struct cli *cli, struct sedd_sample_options *options);
/* A list "1,2,3" (owned; a flag that must be there). */
int32_t *cli_ids(const struct cli *cli, const char *flag, size_t *count);
/* The same from any text. */
int32_t *cli_parse_ids(const struct cli *cli, const char *text, size_t *count);

/* Every flag is known to the command and has its value. Prints what is wrong and returns false. */
bool cli_check(const struct cli *cli);
/* Ends the program with the usage if one of `flags` (written as in a command) is there. */
void cli_refuse(const struct cli *cli, const char *flags, const char *sentence);
/* Prints the sentence with the command's usage to stderr and exits with EXIT_USAGE. */
void cli_usage(const struct cli *cli, const char *sentence, const char *detail);

/* Model, engine, and tokenizer as the flags ask for; failing prints one sentence, returns false. */
struct sedd_model *cli_model(const struct cli *cli);
struct sedd_engine *cli_engine(const struct cli *cli);
int cli_fail(const struct sedd_error *error);

/* Reads a whole file, or exits with EXIT_FAILED. */
char *cli_file(const char *path, size_t *size);

/* The commands, each in a file of its group. */
int run_info(struct cli *cli);
int run_score(struct cli *cli);
int run_logits(struct cli *cli);
int run_golden(struct cli *cli);
int run_sample(struct cli *cli);
int run_generate(struct cli *cli);
int run_tokenize(struct cli *cli);
int run_detokenize(struct cli *cli);
int run_bound(struct cli *cli);
int run_nll(struct cli *cli);
int run_bench(struct cli *cli);
int run_convert(struct cli *cli);
int run_eval(struct cli *cli);

#endif
