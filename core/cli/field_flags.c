/* field_flags.c - implements field_flags.h. */
#include "field_flags.h"

#include <string.h>

const char *field_flag(const struct sedd_field *field, char *flag, size_t size)
{
    const struct sedd_field_source source = {.call = SEDD_CALL_BY_FLAG};
    return sedd_field_called(field, &source, flag, size);
}

bool field_is_switch(const struct sedd_field *field)
{
    return field->type == SEDD_FIELD_SWITCH || field->type == SEDD_FIELD_OFF;
}

bool field_is_flag(const struct command *command, const struct sedd_field *field)
{
    char name[48];
    snprintf(name, sizeof name, " %.40s ", field->name);
    bool left_out = command->except != NULL && strstr(command->except, name) != NULL;
    return (field->uses & command->uses) != 0 && !left_out;
}

bool cli_has_field(const struct cli *cli, const char *flag, bool *takes_value)
{
    const struct command *command = cli->definition;
    char called[48];
    for (size_t i = 0; command->fields != NULL && i < command->fields->count; i++) {
        const struct sedd_field *field = &command->fields->rows[i];
        if (field_is_flag(command, field) &&
            strcmp(field_flag(field, called, sizeof called), flag) == 0) {
            *takes_value = !field_is_switch(field);
            return true;
        }
    }
    return false;
}

void cli_print_fields(const struct command *command, FILE *out)
{
    char flag[48], expects[160], value[240];
    for (size_t i = 0; command->fields != NULL && i < command->fields->count; i++) {
        const struct sedd_field *field = &command->fields->rows[i];
        if (field_is_flag(command, field)) {
            snprintf(value, sizeof value, "%s%s", field_is_switch(field) ? "" : ": ",
                     field_is_switch(field) ? ""
                                            : sedd_field_expects(field, expects, sizeof expects));
            fprintf(out, "  %-14s %s%s\n", field_flag(field, flag, sizeof flag), field->help,
                    value);
        }
    }
}
