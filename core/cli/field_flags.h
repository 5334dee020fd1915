/*
 * field_flags.h - the rows of a table of options as the flags of a command: their names and their
 * lines of help.
 */
#ifndef SEDD_CLI_FIELD_FLAGS_H
#define SEDD_CLI_FIELD_FLAGS_H

#include "options.h"

/* Writes the name of a row's flag ("--top-k") to `flag` and returns it. */
const char *field_flag(const struct sedd_field *field, char *flag, size_t size);
/* Returns true if the row's flag takes no value. */
bool field_is_switch(const struct sedd_field *field);
/* Returns true if the row is a flag of the command. */
bool field_is_flag(const struct command *command, const struct sedd_field *field);

/* Returns true if the command's table has the flag. Stores whether it takes a value. */
bool cli_has_field(const struct cli *cli, const char *flag, bool *takes_value);
/* Prints the rows that are flags of a command, one a line. */
void cli_print_fields(const struct command *command, FILE *out);

#endif
