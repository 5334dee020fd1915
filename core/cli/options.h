/*
 * options.h - the tool's command line: `sedd COMMAND MODEL --flag value ...`.
 */
#ifndef SEDD_CLI_OPTIONS_H
#define SEDD_CLI_OPTIONS_H

#include "files/option_table.h"

#include <stdio.h>

#define EXIT_FAILED 1 /* bad data or a failure */
#define EXIT_USAGE 2

struct cli {
    const char *command;
    const char *folder; /* the model, or NULL */
    const char *output; /* the folder to write (convert), or NULL */
    const struct command *definition;
    int argument_count;
    char **arguments; /* after the folders */
};

struct command {
    const char *name;
    const char *help;  /* one line of what it does, then its own flags */
    const char *flags; /* " --steps --json! ": a ! marks flags without a value */
    int (*run)(struct cli *cli);
    const struct sedd_fields *fields; /* a table whose rows are also flags, or NULL */
    unsigned uses;                    /* its rows that are flags */
    const char *except;               /* names of rows that are not flags, each between spaces */
};

/* Returns a flag's value, "" for a flag without one, or NULL if the flag is absent. */
const char *cli_text(const struct cli *cli, const char *flag);
bool cli_has(const struct cli *cli, const char *flag);
/* Returns a flag's number, or the fallback without the flag. A value that is not a number, or out
 * of range, ends the program with the usage. */
double cli_number(const struct cli *cli, const char *flag, double fallback, double low,
                  double high);
int32_t cli_integer(const struct cli *cli, const char *flag, int32_t fallback, int32_t low,
                    int32_t high);
/* Returns the index of the flag's word in a list of words with spaces between; 0 without the flag.
 */
int32_t cli_word(const struct cli *cli, const char *flag, const char *words);

/* Reads the sampling options: the folder's generation_config.json (SEDD), then the flags that are
 * rows of the command's table. An invalid flag ends the program with the usage. A damaged file
 * prints one sentence and returns false. */
bool cli_sampling(const struct cli *cli, enum sedd_kind kind, struct sedd_sample_options *options);
/* Reads the flags that are rows of the command's table into its struct. */
void cli_fields(const struct cli *cli, void *options);
int run_options(struct cli *cli);
/* Reads a list "1,2,3" from a required flag. Returns it owned (free). */
int32_t *cli_ids(const struct cli *cli, const char *flag, size_t *count);
/* Reads such a list from any text. */
int32_t *cli_parse_ids(const struct cli *cli, const char *text, size_t *count);

/* Checks that the command knows every flag and that no value is missing. Otherwise ends the
 * program. */
bool cli_check(const struct cli *cli);
/* Ends the program with the usage if one of `flags` (written as in a command) is given. */
void cli_refuse(const struct cli *cli, const char *flags, const char *sentence);
/* Does the same for these flags and every row of the command's table. */
void cli_refuse_fields(const struct cli *cli, const char *flags, const char *sentence);
/* Prints the sentence with the command's usage to stderr and exits with EXIT_USAGE. */
void cli_usage(const struct cli *cli, const char *sentence, const char *detail);

/* The parts that a command has opened; the others are NULL. */
struct opened {
    struct sedd_tokenizer *tokenizer;
    struct sedd_model *model;
    struct sedd_engine *engine;
    struct sedd_session *session;
    struct sedd_model_info info; /* with a model */
};
#define CLI_TOKENIZER 1u /* the folder's, if it has one */
#define CLI_NEEDS_TOKENIZER 3u
#define CLI_MODEL 4u  /* as --dtype says */
#define CLI_ENGINE 8u /* as --kernels and --threads say */
/* Opens parts in this order. On failure it prints one sentence, closes the opened parts and returns
 * false. */
bool cli_open(const struct cli *cli, unsigned parts, struct opened *opened);
/* Makes the session, once the number of rows is known. It writes only ids for which the tokenizer,
 * if it is open, has tokens. On failure it prints one sentence and returns false. */
bool cli_open_session(struct opened *opened, int32_t rows);
void cli_close(struct opened *opened);
/* Opens the model of another folder as --dtype says. Prints one sentence and returns NULL on
 * failure. */
struct sedd_model *cli_model(const struct cli *cli, const char *folder);
/* Prints the sentence and returns EXIT_FAILED. */
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
