/* compare.h - `sedd bench MODEL --twin GPT2`: time and quality of whole texts, side by side. */
#ifndef SEDD_CLI_COMPARE_H
#define SEDD_CLI_COMPARE_H

#include "options.h"

/* Prints the table, or JSON; takes over from run_bench when --twin is given. */
int cli_compare(struct cli *cli, struct sedd_engine *engine, const struct sedd_model *model);

double cli_now_ms(void);

#endif
